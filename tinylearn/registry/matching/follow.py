"""Keeps the columns beside a store up to date with what was just written, so that no cold start has to
scan for a few changes."""

from __future__ import annotations

from collections.abc import Collection

from tinylearn.registry.matching import kept_columns
from tinylearn.registry.matching.index import Index
from tinylearn.registry.store.base import GraphStore

#: reading more graphs one by one takes longer than a scan
MOST = 1000


def follow(store: GraphStore, before: int, changed: Collection[str]) -> None:
    """After writing: ``before`` was the store's revision until then, ``changed`` are all devices and
    models that are other ones now, or gone. Many changes are scanned for, which is little beside
    having written them. Nothing where no columns were kept, as then nobody has asked yet."""
    if len(changed) > MOST:
        Index.load(store)
        return
    table = kept_columns.kept(store, frozenset(), before)
    if table is None:
        return
    index = Index(store, table, (), before)
    for iri in changed:
        index.update(iri)
    index.keep()
