"""Changes as statements, and which weights may go: what one commit does within its transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tinylearn.errors import UsageError
from tinylearn.fleet import records, sql_rows
from tinylearn.fleet.records import Change, Run
from tinylearn.fleet.store import MILESTONE, NEWEST_KEPT, DuplicateUpdateError, HeadMovedError
from tinylearn.fleet.summed import crc_of


class Statements(Protocol):
    """A connection; ``?`` stand for values. Raises StoreError."""

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows."""

    def change(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""

    def lock_run(self, run: int) -> None:
        """Keep others from moving the head and from pruning until the transaction ends."""


_MOVE_HEAD = "UPDATE runs SET head = ? WHERE id = ? AND head = ?"
_ADD_WEIGHTS = "INSERT INTO weights (run, version, content) VALUES (?, ?, ?)"
_ADD_STREAM = "INSERT INTO streams (run, shard, round, device, content) VALUES (?, ?, ?, ?, ?)"
_DROP_STREAMS = "DELETE FROM streams WHERE run = ? AND shard = ? AND round = ?"
_BASE_IS_KEPT = "SELECT 1 FROM weights WHERE run = ? AND version = ?"
_DROP_REQUEST = "DELETE FROM requests WHERE run = ? AND ordinal = ?"
_NAMED = "SELECT deployed, pinned FROM devices WHERE run = ? AND name = ?"
_PREVIOUS = "SELECT previous FROM rollouts WHERE run = ? AND version = ? AND shard = ?"
_BASE = "SELECT base FROM rounds WHERE run = ? AND shard = ? AND number = ? AND open = 1"
#: the newest versions that are not among the NEWEST_KEPT
_OUTDATED = "SELECT version FROM weights WHERE run = ? ORDER BY version DESC LIMIT ? OFFSET ?"
_UNNAMED = """
WHERE run = ? AND version = ?
AND NOT EXISTS (SELECT 1 FROM rounds r
                WHERE r.run = weights.run AND r.base = weights.version AND r.open = 1)
AND NOT EXISTS (SELECT 1 FROM devices d
                WHERE d.run = weights.run AND d.deployed = weights.version)
AND NOT EXISTS (SELECT 1 FROM devices d
                WHERE d.run = weights.run AND d.pinned = weights.version)
AND NOT EXISTS (SELECT 1 FROM rollouts r
                WHERE r.run = weights.run AND r.version = weights.version)
AND NOT EXISTS (SELECT 1 FROM rollouts r
                WHERE r.run = weights.run AND r.previous = weights.version)
"""
_PRUNE = f"DELETE FROM weights {_UNNAMED}"
_REPLACE = f"UPDATE weights SET version = ?, content = ? {_UNNAMED}"


def check_weights(run: Run, weights: bytes | None, crc: int, what: str) -> bytes:
    """The weights, if they can be a version of the run; raises UsageError."""
    if weights is None or len(weights) != run.exchanged_bytes or crc_of(weights) != crc:
        raise UsageError(
            f"{what}: needs {run.exchanged_bytes} bytes of weights with CRC-32 {crc:#010x}"
        )
    return weights


class Commit:
    """One transaction's changes of ``run`` by the coordinator of ``shard``, at Unix time ``now``."""

    def __init__(self, database: Statements, run: Run, shard: int, now: float) -> None:
        self._database = database
        self._run = run
        self._shard = shard
        self._now = now
        self._added: dict[int, bytes] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """Do them all; of the records of a rollout the last one counts.

        Raises HeadMovedError, DuplicateUpdateError, UsageError or StoreError."""
        changes = _without_replaced(changes)
        released = self._released(changes)
        added = any(isinstance(change, records.AddVersion) for change in changes)
        bases = {
            change.round.base
            for change in changes
            if isinstance(change, records.PutRound) and change.round.open
        }
        if added or bases or released or any(isinstance(c, records.PutRollout) for c in changes):
            self._database.lock_run(self._run.id)
        for change in changes:
            _APPLY[type(change)](self, change)
        self._check_bases(bases - self._added.keys())
        if added or released:
            self._put_weights(released)

    def _released(self, changes: Sequence[Change]) -> set[int]:
        """Versions that the changes may take the last name from."""
        found: set[int] = set()
        for change in changes:
            if isinstance(change, records.PutDevice):
                named = {change.device.deployed, change.device.pinned}
                found |= self._before(_NAMED, change.device.name) - named
            elif isinstance(change, records.PutRollout):
                named = {change.rollout.previous}
                found |= self._before(_PREVIOUS, change.rollout.version, self._shard) - named
            elif isinstance(change, records.PutRound) and not change.round.open:
                found |= self._before(_BASE, self._shard, change.round.number)
        return found

    def _before(self, statement: str, *key: Any) -> set[int]:
        rows = self._database.rows(statement, self._run.id, *key)
        return {number for row in rows for number in row}

    def _check_bases(self, bases: set[int]) -> None:
        for base in bases:
            if not self._database.rows(_BASE_IS_KEPT, self._run.id, base):
                raise HeadMovedError(
                    f"run {self._run.id}: weights of version {base} are no longer kept, no round "
                    "can start from it; take the newest"
                )

    def _put_weights(self, released: set[int]) -> None:
        """Weights of new versions, of which the newest take the place of some that nothing names: SQLite
        overwrites what is as long, where an insertion and a deletion change twice as many pages."""
        *older, newest = self._added.items() or [None]
        for version, weights in filter(None, older):
            self._insert_weights(version, weights)
        for version in self._outdated(released, newest is not None):
            if newest and self._database.change(_REPLACE, *newest, self._run.id, version):
                newest = None
            elif newest is None:
                self._database.change(_PRUNE, self._run.id, version)
        if newest:
            self._insert_weights(*newest)

    def _insert_weights(self, version: int, weights: bytes) -> None:
        self._database.change(_ADD_WEIGHTS, self._run.id, version, weights)

    def _outdated(self, released: set[int], one_comes: bool) -> list[int]:
        """Versions that go if nothing names them: as many as were added have left the newest."""
        limits = max(len(self._added), 1), NEWEST_KEPT - one_comes
        outdated = [row[0] for row in self._database.rows(_OUTDATED, self._run.id, *limits)]
        newest = outdated[0] if outdated else 0
        found = {*outdated[: len(self._added)], *(old for old in released if old <= newest)}
        return [version for version in sorted(found) if version > 1 and version % MILESTONE]

    def put_round(self, change: records.PutRound) -> None:
        """See ``records``, like all that follow."""
        values = sql_rows.ROUNDS.values(change.round)
        self._database.change(sql_rows.ROUNDS.put, self._run.id, self._shard, *values)

    def add_update(self, change: records.AddUpdate) -> None:
        """An update, and its stream if it has one."""
        update = change.update
        values = sql_rows.UPDATES.values(update)
        if not self._database.change(sql_rows.UPDATES.insert, self._run.id, self._shard, *values):
            raise DuplicateUpdateError(
                f"run {self._run.id}, round {update.round}: {update.device} has an update already"
            )
        if update.stream:
            key = (self._run.id, self._shard, update.round, update.device)
            self._database.change(_ADD_STREAM, *key, update.stream)

    def add_version(self, change: records.AddVersion) -> None:
        """A version and its weights, head of the run."""
        version, run = change.version, self._run.id
        what = f"run {run}, version {version.number}"
        weights = check_weights(self._run, version.weights, version.crc, what)
        if version.number <= version.parent:
            raise UsageError(f"{what}: its parent is {version.parent}; it needs a higher number")
        if not self._database.change(_MOVE_HEAD, version.number, run, version.parent):
            raise HeadMovedError(f"{what}: its parent {version.parent} is not the newest version")
        values = sql_rows.VERSIONS.values(version)
        self._database.change(sql_rows.VERSIONS.insert, run, self._shard, *values)
        self._added[version.number] = weights
        self._database.change(_DROP_STREAMS, run, self._shard, version.round)

    def put_device(self, change: records.PutDevice) -> None:
        """A device."""
        values = sql_rows.DEVICES.values(change.device)
        self._database.change(sql_rows.DEVICES.put, self._run.id, *values)

    def put_rollout(self, change: records.PutRollout) -> None:
        """A rollout."""
        values = sql_rows.ROLLOUTS.values(change.rollout)
        self._database.change(sql_rows.ROLLOUTS.put, self._run.id, self._shard, *values)

    def put_state(self, change: records.PutState) -> None:
        """A named value."""
        self._database.change(sql_rows.STATES.put, self._run.id, change.key, change.value)

    def drop_request(self, change: records.DropRequest) -> None:
        """A request that is done with."""
        if not self._database.change(_DROP_REQUEST, self._run.id, change.number):
            raise HeadMovedError(
                f"run {self._run.id}: request {change.number} is done with already"
            )

    def log(self, change: records.Log) -> None:
        """An entry of the log."""
        values = sql_rows.LOG.values(change)
        self._database.change(sql_rows.LOG.insert, self._run.id, self._now, *values)


def _without_replaced(changes: Sequence[Change]) -> list[Change]:
    """Without the records of a rollout that a later one replaces at once: each names all devices
    that have answered, and many answer together."""
    last = {
        c.rollout.version: i for i, c in enumerate(changes) if isinstance(c, records.PutRollout)
    }
    return [
        change for i, change in enumerate(changes)
        if not isinstance(change, records.PutRollout) or last[change.rollout.version] == i
    ]  # fmt: skip


_APPLY: dict[type, Callable[[Commit, Any], None]] = {
    records.PutRound: Commit.put_round,
    records.AddUpdate: Commit.add_update,
    records.AddVersion: Commit.add_version,
    records.PutDevice: Commit.put_device,
    records.PutRollout: Commit.put_rollout,
    records.PutState: Commit.put_state,
    records.DropRequest: Commit.drop_request,
    records.Log: Commit.log,
}
