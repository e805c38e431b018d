"""The things of the directory: who may read sees what is durable, who writes waits until it is."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tinylearn.directory import merge_patch, submission
from tinylearn.directory.draft import Draft, Happened
from tinylearn.directory.entry import Entry
from tinylearn.directory.problem import FieldError, ProblemError, invalid
from tinylearn.directory.shelf import Shelf
from tinylearn.directory.submission import Submission
from tinylearn.directory.writer import Writer

_log = logging.getLogger(__name__)
#: checks what is there (None: nothing) before it is changed
Condition = Callable[[Entry | None], None]
_PURGED_AT_ONCE = 1000
#: no store has this revision
_UNKNOWN = -1


@dataclass(frozen=True)
class Put:
    """What a write has led to."""

    entry: Entry
    is_new: bool


@dataclass(frozen=True)
class Page:
    """Ids of a part of all things; ``version``: changes with what is listed, and its order."""

    ids: Sequence[str]
    total: int
    version: str


def utc_now() -> datetime:
    """The time of the registrations."""
    return datetime.now(UTC)


class Registrar:
    """``tell`` hears what has happened, after it is durable and before the asker does.

    Safe from any thread: its own writes are done by one thread, one after another.
    """

    def __init__(
        self, shelf: Shelf, tell: Callable[[Sequence[Happened]], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:  # fmt: skip
        self._shelf = shelf
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: dict[str, list[str]] = {}
        self._writing = False
        self._membership = self._version = shelf.revision()
        self._index = shelf.index()
        self._epoch = 0
        self._writer = Writer(self._begin, self._commit)

    def close(self) -> None:
        """Writes what was asked for before, then ends."""
        self._writer.close()

    # ---- reading

    def find(self, identifier: str) -> Entry | None:
        """The thing, unless it has expired."""
        entry = self._shelf.read(identifier)
        return None if entry is None or entry.registration.has_expired(self._clock()) else entry

    def now(self) -> datetime:
        """The time that expiry goes by."""
        return self._clock()

    def epoch(self) -> int:
        """Grows where somebody else has written to the store, of which nobody was told."""
        with self._lock:
            self._reload_if_foreign()
            return self._epoch

    def page(self, offset: int, limit: int | None, sort_by: str, descending: bool) -> Page:
        """A part of all things; the store is not asked where they are sorted by id."""
        ids, version = self._ordered(sort_by)
        stop = None if limit is None else offset + limit
        if descending:
            ids = ids[::-1]
        return Page(ids[offset:stop], len(ids), str(version))

    def _ordered(self, sort_by: str) -> tuple[list[str], int]:
        with self._lock:
            self._reload_if_foreign()
            if sort_by == "id":
                return list(self._index.ids), self._membership
            version, known = self._version, self._orders.get(sort_by)
            ids = [] if known else list(self._index.ids)
        if known is None:
            known = self._shelf.sorted_by(sort_by, ids)
            with self._lock:
                if version == self._version:
                    self._orders[sort_by] = known
        return known, version

    def entries(self, identifiers: Sequence[str]) -> list[Entry]:
        """Those of them that are still there."""
        now = self._clock()
        found = self._shelf.read_many(identifiers)
        return [entry for entry in found if not entry.registration.has_expired(now)]

    def documents(self, identifiers: Sequence[str]) -> list[str]:
        """The Thing Descriptions of those that are still there, as JSON, one line each."""
        with self._lock:
            gone = set(self._index.expired(self._clock()))
        return self._shelf.documents([name for name in identifiers if name not in gone])

    def next_expiry(self) -> datetime | None:
        """When there will be something to purge."""
        with self._lock:
            return self._index.next_expiry()

    # ---- writing: each returns when it is durable, or raises and has changed nothing

    def create(self, data: bytes) -> Future[Put]:
        """An anonymous thing, under an id of ours. Raises BadInputError, ProblemError."""
        sent = submission.of_body(data, f"urn:uuid:{uuid.uuid4()}")
        return self._writer.submit(lambda draft: _put(draft, sent, _nothing))

    def put(self, identifier: str, data: bytes, condition: Condition) -> Future[Put]:
        """A thing under its id, new or in place of the one before. Raises as ``create``."""
        sent, names_itself = submission.of_body_at(data, identifier)

        def change(draft: Draft) -> Put:
            if not names_itself and draft.find(identifier) is None:
                what = "is required in PUT of a new thing; POST one without id to /things"
                raise invalid([FieldError("$.id", what)])
            return _put(draft, sent, condition)

        return self._writer.submit(change)

    def patch(self, identifier: str, patch: Mapping[str, Any], condition: Condition) -> Future[Put]:
        """A JSON Merge Patch of a thing with its registration."""

        def change(draft: Draft) -> Put:
            before = _existing(draft, identifier)
            condition(before)
            members = before.registration.members()
            registration = {name: members[name] for name in ("ttl", "expires") if name in members}
            content = {**before.content, "registration": registration}
            after = merge_patch.apply(content, patch)
            return _put(draft, submission.of_content(after, identifier), _nothing)

        return self._writer.submit(change)

    def delete(self, identifier: str, condition: Condition) -> Future[None]:
        """A thing is no more."""

        def change(draft: Draft) -> None:
            condition(_existing(draft, identifier))
            draft.remove(identifier)

        return self._writer.submit(change)

    def purge(self) -> Future[int]:
        """Removes some of those that have expired; how many."""

        def change(draft: Draft) -> int:
            with self._lock:
                due = self._index.expired(draft.now)[:_PURGED_AT_ONCE]
            gone = [name for name in due if draft.stored(name) and not draft.find(name)]
            for name in gone:
                draft.remove(name)
            return len(gone)

        return self._writer.submit(change)

    # ---- of the writer's thread

    def _begin(self) -> Draft:
        return Draft(self._shelf, self._clock())

    def _commit(self, draft: Draft) -> None:
        with self._lock:
            self._writing = True
            is_foreign = self._shelf.revision() != self._version
        try:
            self._shelf.write(draft.changes)
        except BaseException:
            with self._lock:
                self._writing, self._version = False, _UNKNOWN
            raise
        with self._lock:
            self._writing = False
            self._note(draft)
            if is_foreign:
                self._version = _UNKNOWN
        self._tell(draft.happened)

    def _note(self, draft: Draft) -> None:
        kept = {name: written.entry.registration.expires
                for name, written in draft.changes.items() if written is not None}  # fmt: skip
        gone = [name for name, written in draft.changes.items() if written is None]
        self._version = self._shelf.revision()
        if self._index.update(kept, gone):
            self._membership = self._version
        self._orders.clear()

    # ---- what is listed; all of it with the lock held

    def _reload_if_foreign(self) -> None:
        """Somebody else, such as an import, may have written to the store as well."""
        if not self._writing and self._shelf.revision() != self._version:
            _log.info("the store has changed; its things are listed anew")
            self._epoch += 1
            self._load()

    def _load(self) -> None:
        self._membership = self._version = self._shelf.revision()
        self._index = self._shelf.index()
        self._orders.clear()


def _put(draft: Draft, sent: Submission, condition: Condition) -> Put:
    before = draft.find(sent.id)
    condition(before)
    if before is None and draft.is_taken(sent.id):
        raise ProblemError(409, f"{sent.id} names something else in this registry")
    created = draft.now if before is None else before.registration.created
    entry = Entry(sent.id, sent.content, sent.wish.granted(created, draft.now))
    return Put(entry, draft.put(entry, sent.triples))


def _existing(draft: Draft, identifier: str) -> Entry:
    entry = draft.find(identifier)
    if entry is None:
        raise not_found(identifier)
    return entry


def not_found(identifier: str) -> ProblemError:
    """404 for a thing."""
    return ProblemError(404, f"there is no thing {identifier[:200]!r} here")


def _nothing(_entry: Entry | None) -> None:
    pass
