"""What fits what: a part of the matrix, the ranking of one device or model, one pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import QueryParams

from tinylearn.directory.api import params, rows
from tinylearn.directory.api.live import Live, View
from tinylearn.directory.api.roll import Item, Kind, words_of
from tinylearn.directory.problem import ProblemError
from tinylearn.registry.matching.index import Asked
from tinylearn.registry.matching.ranking import By, Ranking
from tinylearn.registry.models.facts import Mode

Json = dict[str, Any]
_ROWS, _COLUMNS, _MOST = 25, 25, 100
_MOST_CELLS = 5000
_PAGE, _MOST_RANKED = 50, 200


class Matches:
    """Asked of the index in memory."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def answer(self, asked: QueryParams) -> Json:
        """``device`` and ``model``: IRIs; with neither, a part of the matrix."""
        device, model = params.iri(asked, "device"), params.iri(asked, "model")
        view = self._live.view()
        for iri, kind in ((device, Kind.DEVICE), (model, Kind.MODEL)):
            if iri is not None:
                _require(view, iri, kind)
        how = Asked(
            params.choice(asked, "mode", Mode.INFERENCE),
            params.choice(asked, "by", By.ACCURACY),
            params.flag(asked, "softFloat"),
        )
        if device is not None and model is not None:
            return _named(view, rows.pair(view.index.pair(device, model, how)))
        if device is not None:
            return _page(view, view.index.models_for(device, how), asked)
        if model is not None:
            return _page(view, view.index.devices_for(model, how), asked)
        return _matrix(view, how, asked)


def _require(view: View, iri: str, kind: Kind) -> None:
    item = view.roll.get(iri)
    if item is None or kind not in item.kinds:
        raise ProblemError(404, f"{iri} is no {kind} that is registered here")


def _named(view: View, pair: Json) -> Json:
    titles = {f"{name}Title": view.roll.title(pair[name]) for name in ("device", "model")}
    return {**pair, **titles}


def _page(view: View, ranking: Ranking, asked: QueryParams) -> Json:
    offset = params.count(asked, "offset", 0)
    limit = params.count(asked, "limit", _PAGE, _MOST_RANKED)
    items = [_named(view, rows.pair(match)) for match in ranking[offset : offset + limit]]
    return {"total": len(ranking), "fitting": ranking.fitting, "offset": offset, "limit": limit,
            "items": items}  # fmt: skip


def _matrix(view: View, how: Asked, asked: QueryParams) -> Json:
    """Rows are devices; each says as well how many of all models fit."""
    columns = params.count(asked, "models", _COLUMNS, _MOST)
    most_rows = min(_MOST, _MOST_CELLS // max(columns, 1))
    height = params.count(asked, "devices", _ROWS, most_rows)
    left, top = params.count(asked, "modelOffset", 0), params.count(asked, "deviceOffset", 0)
    models = view.roll.find((Kind.MODEL,), words_of(params.text(asked, "modelWords")))
    devices = view.roll.find((Kind.DEVICE,), words_of(params.text(asked, "deviceWords")))
    shown = models[left : left + columns]
    return {
        "mode": str(how.mode),
        "models": {"total": len(models), "offset": left, "limit": columns,
                   "items": [_heading(item) for item in shown]},
        "devices": {"total": len(devices), "offset": top, "limit": height,
                    "items": [_row(view, item, shown, how) for item in devices[top : top + height]]},
        "allModels": view.roll.count(Kind.MODEL),
    }  # fmt: skip


def _heading(item: Item) -> Json:
    return {"iri": item.iri, "title": item.title}


def _row(view: View, device: Item, models: Sequence[Item], how: Asked) -> Json:
    pairs = (view.index.pair(device.iri, model.iri, how) for model in models)
    fitting = view.index.models_for(device.iri, how).fitting
    return {**_heading(device), "fitting": fitting, "cells": [rows.cell(pair) for pair in pairs]}
