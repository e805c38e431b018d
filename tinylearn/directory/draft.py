"""What becomes of the things when some changes are made, before any of it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pyoxigraph import Triple

from tinylearn.directory.entry import Entry
from tinylearn.directory.shelf import Shelf, Written

CREATED, UPDATED, DELETED = "thing_created", "thing_updated", "thing_deleted"


@dataclass(frozen=True)
class Happened:
    """What is told of afterwards; ``before`` and ``after``: None where there is no such thing."""

    kind: str
    id: str
    before: Entry | None
    after: Entry | None


class Draft:
    """Each change sees those before it. A change that raises must not have changed anything."""

    def __init__(self, shelf: Shelf, now: datetime) -> None:
        self._shelf = shelf
        self.now = now
        self.changes: dict[str, Written | None] = {}
        self.happened: list[Happened] = []
        self._read: dict[str, Entry | None] = {}

    def find(self, identifier: str) -> Entry | None:
        """The thing, unless it has expired."""
        entry = self.stored(identifier)
        return None if entry is None or entry.registration.has_expired(self.now) else entry

    def stored(self, identifier: str) -> Entry | None:
        """The thing, expired or not."""
        if identifier in self.changes:
            written = self.changes[identifier]
            return None if written is None else written.entry
        if identifier not in self._read:
            self._read[identifier] = self._shelf.read(identifier)
        return self._read[identifier]

    def is_taken(self, identifier: str) -> bool:
        """Whether a graph of this name describes something else, such as a model."""
        known = identifier in self.changes or self.stored(identifier) is not None
        return not known and self._shelf.has_graph(identifier)

    def put(self, entry: Entry, triples: Sequence[Triple]) -> bool:
        """Keeps a thing; whether it is new. An expired one that comes back is gone first."""
        before = self.find(entry.id)
        if before is None and self.stored(entry.id) is not None:
            self.remove(entry.id)
        self.changes[entry.id] = Written(entry, triples)
        kind = CREATED if before is None else UPDATED
        self.happened.append(Happened(kind, entry.id, before, entry))
        return before is None

    def remove(self, identifier: str) -> None:
        """The thing is no more."""
        self.happened.append(Happened(DELETED, identifier, self.stored(identifier), None))
        self.changes[identifier] = None
