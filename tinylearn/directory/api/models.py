"""Models: a page of them, and all of one."""

from __future__ import annotations

from typing import Any

from pyoxigraph import NamedNode
from starlette.datastructures import QueryParams

from tinylearn.directory.api import layers, params, rows
from tinylearn.directory.api.lineage import lineage
from tinylearn.directory.api.live import Live
from tinylearn.directory.api.roll import Kind, words_of
from tinylearn.directory.api.texts import PARAGRAPH, clipped
from tinylearn.directory.problem import ProblemError
from tinylearn.registry.models.read import is_model, model_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import SCHEMA, tl

Json = dict[str, Any]
PAGE, MOST_ROWS = 50, 200
_DESCRIPTION = NamedNode(SCHEMA + "description")


class Models:
    """Facts come from the index, the rest from the store."""

    def __init__(self, store: GraphStore, live: Live) -> None:
        self._store, self._live = store, live

    def page(self, asked: QueryParams) -> Json:
        """``q``: words."""
        offset = params.count(asked, "offset", 0)
        limit = params.count(asked, "limit", PAGE, MOST_ROWS)
        view = self._live.view()
        found = view.roll.find((Kind.MODEL,), words_of(params.text(asked, "q")))
        known = (view.index.model(item.iri) for item in found[offset : offset + limit])
        items = [rows.model(model) for model in known if model is not None]
        return {"total": len(found), "offset": offset, "limit": limit, "items": items}

    def one(self, asked: QueryParams) -> Json:
        """All that is known of a model. Raises ProblemError where there is none."""
        name = NamedNode(params.needed_iri(asked, "iri"))
        triples = self._store.graph(name)
        if not is_model(name, triples):
            raise ProblemError(404, f"{name.value} is no model that is registered here")
        about, model = Description(triples), model_of(name, triples)
        return {
            **rows.model(model),
            "description": clipped(about.text(name, _DESCRIPTION), PARAGRAPH),
            "weightBytes": about.number(name, tl("weightBytes")),
            "learns": clipped(about.text(name, tl("learns"))),
            "file": model.file and clipped(model.file.rsplit("/", 1)[-1]),
            "sha256": model.sha256,
            "inputs": layers.ends(about, name, "Input"),
            "outputs": layers.ends(about, name, "Output"),
            "layers": layers.layers(about, name),
            "metrics": list(layers.metrics(about, name)),
            "needsOfTargets": rows.needs_of_targets(model),
            "lineage": lineage(self._store, name),
        }
