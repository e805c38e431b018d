"""Short names of IRIs for people, and the way back from what people type."""

from __future__ import annotations

import re

from pyoxigraph import NamedNode

from tinylearn.errors import BadInputError
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SCHEMA, SMART_SENSOR, TD, THING

_MOST_SHOWN = 5


def short(iri: str) -> str:
    """The end of an IRI."""
    return re.split(r"[/#:]", iri.rstrip("/#:"))[-1] or iri


def find(store: GraphStore, name: str) -> NamedNode:
    """The thing, device or model of an IRI, of the end of one, or of a title; raises BadInputError
    where there is none or more than one."""
    names = store.names()
    exact = [found for found in names if found.value == name]
    if exact:
        return exact[0]
    known = {*store.names(THING), *store.names(SMART_SENSOR), *store.names(NEURAL_NETWORK)}
    found = sorted(
        {n for n in known if short(n.value) == name or n.value.endswith(name)} | _titled(store, name),
        key=lambda n: n.value,
    )  # fmt: skip
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInputError(
            f"{name}: not registered; tinylearn registry devices and models list what is"
        )
    shown = ", ".join(n.value for n in found[:_MOST_SHOWN])
    raise BadInputError(f"{name}: there are {len(found)} of that name: {shown}; give the whole IRI")


def _titled(store: GraphStore, title: str) -> set[NamedNode]:
    """All with this title, in whatever language."""
    from pyoxigraph import Literal

    rows = store.select(
        f"SELECT ?thing WHERE {{ GRAPH ?thing {{ ?thing <{TD}title>|<{SCHEMA}name> ?title }} "
        "FILTER(STR(?title) = ?wanted) }",
        {"wanted": Literal(title)},
    )
    return {row["thing"] for row in rows if isinstance(row["thing"], NamedNode)}
