"""Queries over a folder, in workers that can be killed."""

from __future__ import annotations

from tinylearn.registry.query.engine import Graphs
from tinylearn.registry.query.formats import Format
from tinylearn.registry.query.job import Job, Place
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.pool import Pool
from tinylearn.registry.store.embedded import EmbeddedStore


class LocalEngine:
    """See Engine. An answer knows all that was written before it was asked for."""

    def __init__(self, store: EmbeddedStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._pool = Pool(self._place, limits)

    def run(self, text: str, format: Format, graphs: Graphs) -> bytes:
        """See Engine."""
        return self._pool.run(Job(text, format.names[0], self._store.revision(), graphs))

    def close(self) -> None:
        """See Engine."""
        self._pool.close()

    def _place(self) -> Place:
        return Place(self._store.folder, self._store.revision(), self._limits)
