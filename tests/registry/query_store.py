"""A store with things in it, for tests of queries."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

COUNT = 1000
SIZE, NEXT = NamedNode("urn:size"), NamedNode("urn:next")


def thing(number: int) -> NamedNode:
    return NamedNode(f"urn:thing:{number}")


def graph(number: int) -> list[Triple]:
    """Two triples: its size, and the thing after it."""
    name = thing(number)
    return [Triple(name, SIZE, Literal(number)), Triple(name, NEXT, thing((number + 1) % COUNT))]


def filled(where: Path | str, count: int = COUNT) -> GraphStore:
    """Things in a ring."""
    store = open_store(where)
    store.upsert({thing(number): graph(number) for number in range(count)})
    return store
