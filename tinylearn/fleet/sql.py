"""A store in an SQL database: what SQLite and PostgreSQL have in common."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

from tinylearn.errors import UsageError
from tinylearn.fleet import sql_rows
from tinylearn.fleet.records import Change, Device, KeptUpdate, Log, Rollout, Run, Saved, Version
from tinylearn.fleet.rollout_parts import merged
from tinylearn.fleet.sql_changes import Commit, Statements, check_weights
from tinylearn.fleet.store import NORMS, REPORTED, StoreError

#: rows that are fetched at a time where there may be very many
_PAGE = 1000

_RUNS = sql_rows.RUNS.select("ORDER BY ordinal")
_RUN = sql_rows.RUNS.select("WHERE id = ?")
_HEAD = (
    "SELECT versions.number FROM versions JOIN runs ON runs.id = versions.run "
    "AND runs.head = versions.number WHERE runs.id = ?"
)
_VERSION = sql_rows.VERSIONS.select("WHERE run = ? AND number = ?")
_LINEAGE = sql_rows.VERSIONS.select("WHERE run = ? AND number > ? ORDER BY number LIMIT ?")
_WEIGHTS = "SELECT content FROM weights WHERE run = ? AND version = ?"
_OPEN_ROUNDS = sql_rows.ROUNDS.select("WHERE run = ? AND shard = ? AND open = 1 ORDER BY number")
_LAST_ROUND = "SELECT COALESCE(MAX(number), 0) FROM rounds WHERE run = ? AND shard = ?"
_UPDATES = sql_rows.UPDATES.select(
    "WHERE run = ? AND shard = ? AND round = ? ORDER BY ordinal",
)
_LAST_UPDATES = sql_rows.UPDATES.select(
    "WHERE ordinal IN (SELECT MAX(ordinal) FROM updates WHERE run = ? GROUP BY device)"
)
_STREAMS = "SELECT device, content FROM streams WHERE run = ? AND shard = ? AND round = ?"
_REPORTED = (
    "SELECT ordinal, round, device, norm FROM updates WHERE run = ? AND shard = ? "
    "ORDER BY round DESC LIMIT ?"
)
_DEVICES = sql_rows.DEVICES.select("WHERE run = ? ORDER BY name")
_ROLLOUTS = sql_rows.ROLLOUTS.select("WHERE run = ? ORDER BY version, shard").replace(
    "SELECT ", "SELECT shard, "
)
_STATES = "SELECT key, value FROM states WHERE run = ? ORDER BY key"
_LOG = sql_rows.LOG.select("WHERE run = ? AND ordinal > ? ORDER BY ordinal LIMIT ?").replace(
    "SELECT ", "SELECT ordinal, time, "
)
_ADD_WEIGHTS = "INSERT INTO weights (run, version, content) VALUES (?, ?, ?)"
_REQUEST = "INSERT INTO requests (run, command) VALUES (?, ?)"
_REQUESTS = "SELECT ordinal, command FROM requests WHERE run = ? ORDER BY ordinal"


class Database(Statements, Protocol):
    """A connection with transactions; ``where`` names it in errors."""

    where: str

    def writing(self) -> AbstractContextManager[None]:
        """A transaction: kept where its block ends, undone where it raises."""

    def reading(self) -> AbstractContextManager[None]:
        """Everything read in the block is of one instant."""

    def committing(self, run: int, shard: int) -> AbstractContextManager[None]:
        """A transaction of the coordinator that owns the shard."""

    def own(self, run: int, shard: int) -> None:
        """Take a shard until ``close``, or go on from how it is now where it is taken already;
        raises StoreError where another has it."""

    def is_taken(self, run: int, shard: int) -> bool:
        """Whether another has the shard."""

    def close(self) -> None:
        """Let go of the connection and of the shards; again does nothing."""


@contextmanager
def transaction(finish: Callable[[str], object]) -> Iterator[None]:
    """Ends what has begun, by "COMMIT", or where the block raises by "ROLLBACK"; that it fails too
    is then not worth telling."""
    try:
        yield
        finish("COMMIT")
    except BaseException:
        with suppress(StoreError):
            finish("ROLLBACK")
        raise


class SqlStore:
    """See ``store.Store``. ``clock`` gives the Unix time of log entries."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._owned: dict[tuple[int, int], Run] = {}
        self._in_doubt: set[tuple[int, int]] = set()

    @property
    def where(self) -> str:
        """Its name for people."""
        return self._database.where

    def create(self, run: Run, initial: bytes) -> None:
        """Begin a run."""
        if not 0 <= run.seed < 1 << 63:
            raise UsageError(f"run {run.id}: seed {run.seed} does not fit 63 bits")
        crc = zlib.crc32(initial)
        check_weights(run, initial, crc, f"run {run.id}, version 1")
        version = sql_rows.VERSIONS.values(Version(1, 0, 0, crc, 0))
        with self._database.writing():
            if not self._database.change(sql_rows.RUNS.insert, 1, *sql_rows.RUNS.values(run)):
                raise UsageError(f"{self._database.where}: run {run.id} is there already")
            self._database.change(sql_rows.VERSIONS.insert, run.id, 0, *version)
            self._database.change(_ADD_WEIGHTS, run.id, 1, initial)

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return [sql_rows.RUNS.read(row) for row in self._database.rows(_RUNS)]

    def load(self, run: int, shard: int = 0, shards: int = 1, *, own: bool = True) -> Saved:
        """Everything to go on from."""
        if not 0 <= shard < shards:
            raise UsageError(f"shard {shard} of {shards}: shards count from 0")
        if own:
            self._owned.pop((run, shard), None)
            self._own(run, shard)
        with self._database.reading():
            saved = self._saved(run, shard)
            saved.rollouts = merged(self._rollouts(run), shard if own else None)
        self._in_doubt.discard((run, shard))
        return saved

    def commit(self, run: int, changes: Sequence[Change], shard: int = 0) -> None:
        """Make all changes or none, durably."""
        if (run, shard) in self._in_doubt:
            raise StoreError(
                f"{self._database.where}: whether the last commit of run {run}, shard {shard} was "
                "kept is not known; load it again"
            )
        try:
            self._commit(run, changes, shard)
        except StoreError:
            self._in_doubt.add((run, shard))
            raise

    def is_taken(self, run: int, shard: int) -> bool:
        """Whether another coordinator has the shard."""
        return self._database.is_taken(run, shard)

    def weights(self, run: int, version: int) -> bytes:
        """Exchanged bytes of a version."""
        kept = self._version(run, version).weights
        if kept is None:
            raise UsageError(f"run {run}: weights of version {version} are no longer kept")
        return kept

    def head(self, run: int) -> Version:
        """The newest version, with weights."""
        with self._database.reading():
            return self._head(run)

    def lineage(self, run: int) -> Iterator[Version]:
        """All versions without weights, oldest first."""
        self._run(run)
        for row in self._paged(_LINEAGE, run, 0):
            yield sql_rows.VERSIONS.read(row)

    def devices(self, run: int) -> dict[str, Device]:
        """All devices."""
        self._run(run)
        found = (sql_rows.DEVICES.read(row) for row in self._database.rows(_DEVICES, run))
        return {device.name: device for device in found}

    def last_updates(self, run: int) -> dict[str, KeptUpdate]:
        """The last update of each device."""
        self._run(run)
        rows = self._database.rows(_LAST_UPDATES, run)
        found = (sql_rows.UPDATES.read(row, stream=b"") for row in rows)
        return {update.device: update for update in found}

    def history(self, run: int, after: int = 0) -> Iterator[tuple[int, float, Log]]:
        """(number, Unix time, entry) of the log, oldest first."""
        self._run(run)
        for number, at, *entry in self._paged(_LOG, run, after):
            yield number, at, sql_rows.LOG.read(tuple(entry))

    def request(self, run: int, command: str) -> None:
        """Leave a command for the coordinator."""
        self._run(run)
        with self._database.writing():
            self._database.change(_REQUEST, run, command)

    def requests(self, run: int) -> list[tuple[int, str]]:
        """Commands that wait."""
        return [(number, command) for number, command in self._database.rows(_REQUESTS, run)]

    def close(self) -> None:
        """Let go of the database and of the shards."""
        self._owned.clear()
        self._database.close()

    def _commit(self, run: int, changes: Sequence[Change], shard: int) -> None:
        owned = self._own(run, shard)
        with self._database.committing(run, shard):
            Commit(self._database, owned, shard, self._clock()).apply(changes)

    def _own(self, run: int, shard: int) -> Run:
        if (run, shard) not in self._owned:
            found = self._run(run)
            self._database.own(run, shard)
            self._owned[run, shard] = found
        return self._owned[run, shard]

    def _run(self, run: int) -> Run:
        for row in self._database.rows(_RUN, run):
            return sql_rows.RUNS.read(row)
        raise UsageError(f"{self._database.where}: has no run {run}")

    def _paged(self, statement: str, run: int, after: int) -> Iterator[tuple[Any, ...]]:
        """Rows that start with an ascending number; no cursor stays open between pages, so that
        whoever reads slowly holds nothing up."""
        while rows := self._database.rows(statement, run, after, _PAGE):
            yield from rows
            after = rows[-1][0]

    def _version(self, run: int, number: int) -> Version:
        """A version, with weights where they are kept."""
        for row in self._database.rows(_VERSION, run, number):
            kept = self._database.rows(_WEIGHTS, run, number)
            version = sql_rows.VERSIONS.read(row, weights=bytes(kept[0][0]) if kept else None)
            if version.weights is not None and zlib.crc32(version.weights) != version.crc:
                raise StoreError(
                    f"{self._database.where}: weights of run {run}, version {number} are damaged"
                )
            return version
        self._run(run)
        raise UsageError(f"run {run}: has no version {number}")

    def _head(self, run: int) -> Version:
        for (number,) in self._database.rows(_HEAD, run):
            return self._version(run, number)
        raise UsageError(f"{self._database.where}: has no run {run}")

    def _saved(self, run: int, shard: int) -> Saved:
        rows = self._database.rows
        rounds = [sql_rows.ROUNDS.read(row) for row in rows(_OPEN_ROUNDS, run, shard)]
        reported = sorted(rows(_REPORTED, run, shard, REPORTED))
        return Saved(
            run=self._run(run),
            head=self._head(run),
            devices=self.devices(run),
            open_rounds={round_.number: round_ for round_ in rounds},
            bases={base: self._version(run, base) for base in {each.base for each in rounds}},
            updates=[kept for each in rounds for kept in self._updates(run, shard, each.number)],
            norms=[sql_rows.FLOAT.read(norm) for *_, norm in reported[-NORMS:]],
            reported={(round_, device) for _, round_, device, _ in reported},
            last_round=rows(_LAST_ROUND, run, shard)[0][0],
            states=dict(rows(_STATES, run)),
        )

    def _rollouts(self, run: int) -> list[tuple[int, Rollout]]:
        rows = self._database.rows(_ROLLOUTS, run)
        return [(shard, sql_rows.ROLLOUTS.read(tuple(row))) for shard, *row in rows]

    def _updates(self, run: int, shard: int, round_: int) -> list[KeptUpdate]:
        streams = dict(self._database.rows(_STREAMS, run, shard, round_))
        updates = self._database.rows(_UPDATES, run, shard, round_)
        read = sql_rows.UPDATES.read
        return [read(row, stream=bytes(streams.get(row[1], b""))) for row in updates]
