"""Runs in PostgreSQL, for several coordinators that share a run, each its shard of the devices.

A session holds an advisory lock for each shard that it owns. Each commit also counts itself in the
shard's row: where the connection is lost on the way, the store connects again, reads the count and
knows whether the commit was kept; it repeats the commit only if it was not. The lock makes sure that
the lost session is no longer at work by then.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tinylearn.errors import MissingToolError, UsageError
from tinylearn.fleet.records import Change
from tinylearn.fleet.sql import SqlStore, transaction
from tinylearn.fleet.sql_schema import VERSION, Types
from tinylearn.fleet.store import StoreError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
except ImportError as error:
    raise MissingToolError(
        "PostgreSQL: needs psycopg; pip install 'tinylearn[postgres]'"
    ) from error

if TYPE_CHECKING:
    Session = psycopg.Connection[tuple[Any, ...]]

_TYPES = Types(
    "BIGINT", "DOUBLE PRECISION", "BYTEA", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
)
#: beside the common tables: what version they have, and each shard's count of commits; floats do
#: not compress, so PostgreSQL is not to try
_OWN_TABLES = """
CREATE TABLE format (version BIGINT NOT NULL);
INSERT INTO format VALUES (0);
CREATE TABLE shards (
  run BIGINT NOT NULL REFERENCES runs (id),
  shard BIGINT NOT NULL,
  commits BIGINT NOT NULL,
  PRIMARY KEY (run, shard)
);
ALTER TABLE weights ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE streams ALTER COLUMN content SET STORAGE EXTERNAL
"""
#: a session that hangs within a transaction must not stop the others for ever
_SETTINGS = (
    "SET search_path TO tinylearn",
    "SET synchronous_commit TO on",
    "SET lock_timeout TO '30s'",
    "SET idle_in_transaction_session_timeout TO '60s'",
)
_SESSION: dict[str, Any] = {
    "application_name": "tinylearn fleet",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_COUNT = "UPDATE shards SET commits = ? WHERE run = ? AND shard = ? AND commits = ?"
_COUNTED = "SELECT commits FROM shards WHERE run = ? AND shard = ?"
_IS_LOCKED = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid::bigint << 32 | objid::bigint = ? AND pid <> pg_backend_pid())"
)
_FIRST = "INSERT INTO shards (run, shard, commits) VALUES (?, ?, 0) ON CONFLICT DO NOTHING"
_RETRY_S = 0.1
#: the server lets go of what a session had locked a little after its end
_ENDING_S = 2.0
_ATTEMPTS = 5


class LostError(StoreError):
    """The connection was lost, or the server undid the transaction for the sake of another."""


@lru_cache(maxsize=256)
def _query(statement: str) -> bytes:
    """A statement in psycopg's paramstyle; ours hold no literal ``?`` or ``%``."""
    return statement.replace("?", "%s").encode()


def _lock_key(*parts: object) -> int:
    """A signed 64-bit key of an advisory lock."""
    text = "/".join(map(str, ("tinylearn", *parts)))
    return int.from_bytes(
        hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True
    )


class PostgresDatabase:
    """One session at a time. Outside transactions, statements are repeated where the connection is
    lost: they must bear it. ``patience_s``: how long to try to connect again."""

    def __init__(self, where: str, create: bool, patience_s: float) -> None:
        self._conninfo, self.where = _address(where)
        self._patience_s = patience_s
        self._counts: dict[tuple[int, int], int] = {}
        self._within = False
        self._session: Session = self._connect()
        try:
            self._migrate(create)
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows."""
        return self._execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""
        return self._execute(statement, values).rowcount

    def lock_run(self, run: int) -> None:
        """Lock the run's row; those who only refer to it go on."""
        self.rows("SELECT head FROM runs WHERE id = ? FOR NO KEY UPDATE", run)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction."""
        with self._transaction("BEGIN"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A snapshot."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    @contextmanager
    def committing(self, run: int, shard: int) -> Iterator[None]:
        """A transaction that counts itself in the shard's row."""
        count = self._counts[run, shard]
        with self.writing():
            if not self.change(_COUNT, count + 1, run, shard, count):
                raise self._taken(run, shard)
            yield
        self._counts[run, shard] = count + 1

    def own(self, run: int, shard: int) -> None:
        """Take a shard's advisory lock for this session, and read its count."""
        self.ensure_session()
        if (run, shard) not in self._counts:
            self._lock(run, shard, patience_s=_ENDING_S)
            self._once(_FIRST, (run, shard))
        self._counts[run, shard] = self._count(run, shard)

    def is_taken(self, run: int, shard: int) -> bool:
        """Whether another session has the shard's advisory lock, and is not just ending."""
        deadline = time.monotonic() + _ENDING_S
        while self.rows(_IS_LOCKED, _lock_key(run, shard))[0][0]:
            if time.monotonic() >= deadline:
                return True
            time.sleep(_RETRY_S)
        return False

    def was_kept(self, run: int, shard: int) -> bool:
        """Whether the commit that raised LostError was kept. Connects again. Raises StoreError where
        that fails for ``patience_s``, or another coordinator had the shard meanwhile."""
        before = self._counts[run, shard]
        now = self._counts[run, shard] = self._count(run, shard)
        if now - before not in (0, 1):
            raise self._taken(run, shard)
        return now != before

    def ensure_session(self) -> None:
        """Connect again if the session is lost, and take its shards again; their next commits notice
        if others had them meanwhile."""
        deadline = time.monotonic() + self._patience_s
        while self._session.closed:
            try:
                self._renew(deadline)
            except LostError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_S)

    def _renew(self, deadline: float) -> None:
        self._session = self._connect()
        try:
            for run, shard in self._counts:
                self._lock(run, shard, deadline - time.monotonic())
        except BaseException:
            self._session.close()
            raise

    def close(self) -> None:
        """End the session, and with it its locks."""
        with suppress(psycopg.Error):
            self._session.close()

    def _lock(self, run: int, shard: int, patience_s: float) -> None:
        """Take a shard's lock; a lost session may hold it for a while."""
        deadline = time.monotonic() + patience_s
        key = (_lock_key(run, shard),)
        while not self._once("SELECT pg_try_advisory_lock(?)", key).fetchall()[0][0]:
            if time.monotonic() >= deadline:
                raise self._taken(run, shard)
            time.sleep(_RETRY_S)

    def _taken(self, run: int, shard: int) -> StoreError:
        return StoreError(
            f"{self.where}: another coordinator has shard {shard} of run {run}; end it first"
        )

    def _count(self, run: int, shard: int) -> int:
        count: int = self.rows(_COUNTED, run, shard)[0][0]
        return count

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._execute(begin, ())
        self._within = True
        try:
            with transaction(self._finish):
                yield
        finally:
            self._within = False

    def _finish(self, how: str) -> None:
        if how == "COMMIT" or not self._session.closed:
            self._once(how, ())

    def _execute(self, statement: str, values: Sequence[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
        if self._within:
            return self._once(statement, values)
        self.ensure_session()
        try:
            return self._once(statement, values)
        except LostError:
            self.ensure_session()
            return self._once(statement, values)

    def _once(self, statement: str, values: Sequence[Any]) -> psycopg.Cursor[tuple[Any, ...]]:
        try:
            return self._session.execute(_query(statement), values or None, binary=True)
        except psycopg.Error as error:
            raise self._failed(error) from error
        except (OverflowError, UnicodeError) as error:
            raise StoreError(f"{self.where}: {error}") from error

    def _failed(self, error: psycopg.Error) -> StoreError:
        undone = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
        kind = LostError if self._session.closed or isinstance(error, undone) else StoreError
        return kind(f"{self.where}: {str(error).strip()}")

    def _connect(self) -> Session:
        try:
            session = psycopg.connect(self._conninfo, autocommit=True)
            for setting in _SETTINGS:
                session.execute(setting.encode())
        except psycopg.Error as error:
            raise LostError(f"{self.where}: {str(error).strip()}") from error
        return session

    def _migrate(self, create: bool) -> None:
        found = self._found()
        if found != VERSION and not (found or create):
            raise StoreError(f"{self.where}: holds no fleet")
        if found == VERSION:
            return
        with self.writing():
            self.rows("SELECT pg_advisory_xact_lock(?)", _lock_key("schema"))
            self._once("CREATE SCHEMA IF NOT EXISTS tinylearn", ())
            for statement in self._statements(self._found()):
                self._once(statement, ())
            self.change("UPDATE format SET version = ?", VERSION)

    def _statements(self, found: int) -> list[str]:
        if found == VERSION:
            return []
        return _TYPES.statements(found, self.where) + ([] if found else _OWN_TABLES.split(";"))

    def _found(self) -> int:
        """The version of the tables, 0 where there are none."""
        if self.rows("SELECT to_regclass('tinylearn.format') IS NULL")[0][0]:
            return 0
        version: int = self.rows("SELECT version FROM format")[0][0]
        return version


def _address(where: str) -> tuple[str, str]:
    """What to connect to, and how to name it to people, without its password. Raises UsageError."""
    try:
        parts = _SESSION | conninfo_to_dict(where)
    except psycopg.Error as error:
        raise UsageError(
            "PostgreSQL: the address is not postgresql://USER@HOST:PORT/NAME"
        ) from error
    host, port = parts.get("host", ""), f":{parts['port']}" if "port" in parts else ""
    return make_conninfo("", **parts), f"postgresql://{host}{port}/{parts.get('dbname', '')}"


class PostgresStore(SqlStore):
    """A store in the schema ``tinylearn`` of a database. Without ``create`` it must be there. A commit
    bears the loss of the connection for ``patience_s``."""

    _database: PostgresDatabase

    def __init__(
        self,
        where: str,
        *,
        create: bool = True,
        patience_s: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(PostgresDatabase(where, create, patience_s), clock)

    def _commit(self, run: int, changes: Sequence[Change], shard: int) -> None:
        for _ in range(_ATTEMPTS):
            try:
                return super()._commit(run, changes, shard)
            except LostError:
                if self._database.was_kept(run, shard):
                    return None
        raise StoreError(f"{self._database.where}: lost {_ATTEMPTS} times in one commit")
