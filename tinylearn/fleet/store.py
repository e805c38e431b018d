"""Where a run is kept: one interface, one file a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tinylearn.errors import TinylearnError
from tinylearn.fleet.records import Change, Device, KeptUpdate, Log, Run, Saved, Version

#: weights of so many of the newest versions are kept, and of those that something names
NEWEST_KEPT = 8
#: and of the first (what a rollout goes back to) and every so manieth version, for ever
MILESTONE = 100
#: how many norms and how many (round, device) of accepted updates ``Saved`` brings, the latest
NORMS = 256
REPORTED = 20_000


class StoreError(TinylearnError):
    """The database failed, is damaged, is another's or cannot be opened. Whether the commit that it
    came from was kept is open: ``load`` again before the next."""


class HeadMovedError(TinylearnError):
    """Another coordinator has added a version or carried out the request meanwhile; nothing of the
    transaction was kept."""


class DuplicateUpdateError(TinylearnError):
    """The update is there already; nothing of the transaction was kept."""


class Store(Protocol):
    """A durable store of runs. What ``commit`` returned from survives the process and the power.

    Used by one thread, the one that opened it. A shard of a run belongs to one coordinator at a time:
    to whoever first calls ``load`` or ``commit`` for it, until ``close`` or death; others get a
    StoreError. All other methods, and ``load`` with ``own=False``, may be called beside it by other
    processes. Methods raise StoreError where the database fails, UsageError for an unknown run.
    """

    @property
    def where(self) -> str:
        """Its name for people, without a password."""

    def create(self, run: Run, initial: bytes) -> None:
        """Begin a run with version 1, the exchanged bytes of the initial weights. One run with the
        same id must not be there (UsageError)."""

    def runs(self) -> list[Run]:
        """All runs, oldest first."""

    def load(self, run: int, shard: int = 0, shards: int = 1, *, own: bool = True) -> Saved:
        """Everything to go on from: rounds and updates of this shard, devices of all. Takes the shard
        for this store alone, but with ``own=False``, to look."""

    def commit(self, run: int, changes: Sequence[Change], shard: int = 0) -> None:
        """Make all changes or none, durably; their order matters only between changes of the same
        thing. Raises HeadMovedError where the parent of a version is not the newest, or the base of an
        open round has gone, and DuplicateUpdateError.

        Weights that nothing names any more go in the same transaction. Kept are those of the newest
        ``NEWEST_KEPT`` versions, of the first and every ``MILESTONE``th, of bases of open rounds, of versions that
        a rollout (in any state, as ``version`` or ``previous``) or a device (``deployed``,
        ``pinned``) names.
        """

    def is_taken(self, run: int, shard: int) -> bool:
        """Whether another coordinator has the shard at this moment."""

    def weights(self, run: int, version: int) -> bytes:
        """Exchanged bytes of a version; raises UsageError where they are no longer kept."""

    def head(self, run: int) -> Version:
        """The newest version, with weights."""

    def lineage(self, run: int) -> Iterator[Version]:
        """All versions without weights, oldest first."""

    def devices(self, run: int) -> dict[str, Device]:
        """All devices."""

    def last_updates(self, run: int) -> dict[str, KeptUpdate]:
        """The last update of each device that has ever reported, without its stream."""

    def history(self, run: int, after: int = 0) -> Iterator[tuple[int, float, Log]]:
        """(number, Unix time, entry) of the log, oldest first. With several coordinators an entry
        may come to light after one with a higher number."""

    def request(self, run: int, command: str) -> None:
        """Leave a command (JSON) for the coordinator."""

    def requests(self, run: int) -> list[tuple[int, str]]:
        """Commands that wait, oldest first, with the numbers that ``DropRequest`` takes."""

    def close(self) -> None:
        """Let go of the database and of the shards."""


def open_store(where: str, *, create: bool = True) -> Store:
    """A store by its place: a file name (SQLite), or ``postgresql://..``. Without ``create`` the
    database must be there (StoreError)."""
    if where.startswith(("postgresql://", "postgres://")):
        from tinylearn.fleet.postgres_store import PostgresStore

        return PostgresStore(where, create=create)
    from tinylearn.fleet.sqlite_store import SqliteStore

    return SqliteStore(where, create=create)
