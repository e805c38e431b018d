"""Where a run is kept: one interface, one file a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tinylearn.errors import TinylearnError
from tinylearn.fleet.records import Change, Device, Log, Run, Saved, Version


class HeadMovedError(TinylearnError):
    """Another coordinator has added a version meanwhile; nothing of the transaction was kept."""


class DuplicateUpdateError(TinylearnError):
    """The update is there already; nothing of the transaction was kept."""


class Store(Protocol):
    """A durable store of runs. What ``commit`` returned from survives the process and the power.

    Methods raise StoreError where the database fails.
    """

    def create(self, run: Run, initial: bytes) -> None:
        """Begin a run with version 1, the exchanged bytes of the initial weights. One run with the
        same id must not be there (UsageError)."""

    def runs(self) -> list[Run]:
        """All runs, oldest first."""

    def load(self, run: int, shard: int = 0, shards: int = 1) -> Saved:
        """Everything to go on from: rounds and updates of this shard, devices of all. Raises
        UsageError for an unknown run."""

    def commit(self, run: int, changes: Sequence[Change], shard: int = 0) -> None:
        """Make all changes or none, durably. Raises HeadMovedError or DuplicateUpdateError."""

    def weights(self, run: int, version: int) -> bytes:
        """Exchanged bytes of a version; raises UsageError where they are no longer kept."""

    def head(self, run: int) -> Version:
        """The newest version, with weights."""

    def lineage(self, run: int) -> Iterator[Version]:
        """All versions without weights, oldest first."""

    def devices(self, run: int) -> dict[str, Device]:
        """All devices."""

    def history(self, run: int, after: int = 0) -> Iterator[tuple[int, float, Log]]:
        """(number, Unix time, entry) of the log, oldest first."""

    def request(self, run: int, command: str) -> None:
        """Leave a command (JSON) for the coordinator, see ``take_requests``."""

    def take_requests(self, run: int) -> list[str]:
        """Commands left since the last call, oldest first; they are gone afterwards."""

    def close(self) -> None:
        """Let go of the database."""


class StoreError(TinylearnError):
    """The database failed or cannot be opened."""


def open_store(where: str) -> Store:
    """A store by its place: a file name (SQLite), or ``postgresql://..``."""
    if where.startswith(("postgresql://", "postgres://")):
        from tinylearn.fleet.postgres_store import PostgresStore

        return PostgresStore(where)
    from tinylearn.fleet.sqlite_store import SqliteStore

    return SqliteStore(where)
