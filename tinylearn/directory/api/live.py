"""What is registered, in memory and in step with the store: read when the service starts, then only what has
changed."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyoxigraph import NamedNode

from tinylearn.directory.api.roll import Kind, Roll
from tinylearn.directory.draft import Happened
from tinylearn.errors import TinylearnError
from tinylearn.registry.matching.index import Index
from tinylearn.registry.store.base import GraphStore

_log = logging.getLogger(__name__)
#: beyond these, reading everything again is quicker
_MOST_CHANGES = 2000


@dataclass(frozen=True)
class View:
    """``roll``: names of everything; ``index``: what fits what."""

    roll: Roll
    index: Index


class Live:
    """``epoch``: grows where somebody else wrote to the store. Safe from any thread."""

    def __init__(self, store: GraphStore, epoch: Callable[[], int]) -> None:
        self._store, self._epoch = store, epoch
        self._changed: set[str] = set()
        self._noting, self._reading = threading.Lock(), threading.Lock()
        self._view: View | None = None
        self._read_at = -1

    def note(self, happened: Iterable[Happened]) -> None:
        """These things have changed, and that is durable; takes no time."""
        with self._noting:
            self._changed.update(one.id for one in happened)

    def warm(self) -> None:
        """Reads everything before somebody asks; where that fails, whoever asks is told."""
        try:
            self.view().roll.find((Kind.DEVICE, Kind.FLEET))  # in order, as the page begins
        except TinylearnError as error:
            _log.warning("the page's index is not read yet: %s", error)

    def view(self) -> View:
        """With all that was noted. Takes seconds the first time where there are many devices; who asks
        meanwhile waits for it."""
        with self._reading:
            epoch = self._epoch()
            with self._noting:
                changed, self._changed = self._changed, set()
            view = self._view
            if view is None or epoch != self._read_at or len(changed) > _MOST_CHANGES:
                return self._load(epoch)
            try:
                self._update(view, changed)
            except BaseException:
                self._view = None
                raise
            return view

    def close(self) -> None:
        """Leaves the index's columns beside the store, so that the next start need not scan it."""
        if self._view is not None:
            with contextlib.suppress(TinylearnError):
                self.view().index.keep()

    def _load(self, epoch: int) -> View:
        self._view = None
        view = View(Roll.load(self._store), Index.load(self._store))
        self._view, self._read_at = view, epoch
        return view

    def _update(self, view: View, changed: Iterable[str]) -> None:
        for iri in changed:
            view.index.update(iri)
            name = NamedNode(iri)
            view.roll.put(name, self._store.graph(name))
