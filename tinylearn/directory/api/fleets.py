"""What fleets say of their devices, for a few devices at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyoxigraph import Literal, NamedNode

from tinylearn.directory.api.roll import FLEET_DEVICE
from tinylearn.directory.api.texts import clipped
from tinylearn.registry.store.base import GraphStore, Row
from tinylearn.registry.triples import number
from tinylearn.registry.vocabulary import TYPE, tl

FLEET_NAME = tl("fleetName")
_FACTS = ("fleet", "online", "evicted", "modelVersion", "run", "lastRound", "lastLoss",
          "lastSamples", "starts", "freeRamBytes")  # fmt: skip
_TEXTS, _TRUTHS = ("fleet",), ("online", "evicted")
_MOST_ROWS = 1000


def statuses(store: GraphStore, names: Iterable[str]) -> Mapping[str, list[dict[str, Any]]]:
    """By the name that a fleet has for a device: what each fleet that knows it says; the hardware's
    description and the fleet's have that name in common."""
    wanted = " ".join(sorted({str(Literal(name)) for name in names}))
    found: dict[str, list[dict[str, Any]]] = {}
    if wanted:
        for row in store.select(_query(wanted)):
            found.setdefault(row["name"].value, []).append(_status(row))
    return found


def _query(names: str) -> str:
    facts = " ".join(f"OPTIONAL {{ ?d {tl(name)} ?{name} }}" for name in _FACTS)
    return f"""SELECT * {{ VALUES ?name {{ {names} }}
      GRAPH ?d {{ ?d {FLEET_NAME} ?name ; {TYPE} {FLEET_DEVICE} . {facts} }} }} LIMIT {_MOST_ROWS}"""


def _status(row: Row) -> dict[str, Any]:
    iri = row["d"]
    assert isinstance(iri, NamedNode)
    return {"iri": iri.value, **{name: _value(row, name) for name in _FACTS}}


def _value(row: Row, name: str) -> Any:
    term = row.get(name)
    if not isinstance(term, Literal):
        return None
    if name in _TEXTS:
        return clipped(term.value)
    return term.value in ("true", "1") if name in _TRUTHS else number(term)
