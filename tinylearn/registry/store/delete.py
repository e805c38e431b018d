"""Deletes graphs that somebody has named."""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import NamedNode

from tinylearn.errors import UsageError
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.update_text import REGISTRY


def delete(store: GraphStore, iris: Iterable[str]) -> None:
    """All of them in one transaction; raises UsageError, and deletes nothing, where one is not there."""
    names = [_name(iri) for iri in iris]
    for name in names:
        if name == REGISTRY or not store.graph(name):
            raise UsageError(f"{name.value}: is not registered here")
    store.upsert({}, deleted=names)


def _name(iri: str) -> NamedNode:
    try:
        return NamedNode(iri)
    except ValueError as error:
        raise UsageError(
            f"{iri}: is not an IRI ({error}); tinylearn registry devices and models list those that are there"
        ) from None
