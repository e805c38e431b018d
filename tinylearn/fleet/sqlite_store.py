"""Runs in an SQLite file, for one machine: write-ahead log, synchronous FULL.

Each commit is one fsync. A coordinator that owns a shard holds an OS lock on a small file beside the
database, which its death releases; readers and ``request`` go on beside it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from tinylearn.fleet.sql import SqlStore, transaction
from tinylearn.fleet.sql_schema import VERSION, Types
from tinylearn.fleet.store import StoreError

_TYPES = Types(
    "INTEGER", "REAL", "BLOB", "INTEGER PRIMARY KEY", " STRICT", " STRICT, WITHOUT ROWID"
)
#: "tlfs", says that the file is one of ours (https://sqlite.org/fileformat2.html, 1.3.16)
_APPLICATION = 0x746C6673
#: how long to wait for another process that is writing
_PATIENCE_S = 10.0
#: pages of the log that are written back to the database at a time: each time costs two fsyncs
_CHECKPOINT_PAGES = 4000
_MEMORY = ":memory:"


class SqliteDatabase:
    """One connection. Errors of SQLite become StoreErrors that name the file."""

    def __init__(self, where: str, create: bool) -> None:
        self.where = where
        self._locks: dict[tuple[int, int], sqlite3.Connection] = {}
        if where != _MEMORY and not create and not Path(where).is_file():
            raise StoreError(f"{where}: is not there")
        try:
            self._connection = _connect(where, _PATIENCE_S)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """All rows."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise self._failed(error) from error

    def change(self, statement: str, *values: Any) -> int:
        """How many rows it changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise self._failed(error) from error

    def lock_run(self, run: int) -> None:
        """Nothing: a writer has the whole file."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction; the lock is taken at once, so that nothing read in it is outdated."""
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A snapshot."""
        with self._transaction("BEGIN"):
            yield

    def committing(self, run: int, shard: int) -> AbstractContextManager[None]:
        """A transaction, like any."""
        return self.writing()

    def own(self, run: int, shard: int) -> None:
        """Lock the file ``<database>.run<run>.shard<shard>.lock``; SQLite's own locks do it, on
        every system."""
        if self.where == _MEMORY or (run, shard) in self._locks:
            return
        self._locks[run, shard] = self._lock(run, shard)

    def is_taken(self, run: int, shard: int) -> bool:
        """Whether another has its file locked."""
        if (run, shard) in self._locks or not Path(self._lock_name(run, shard)).exists():
            return False
        try:
            self._lock(run, shard).close()
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.Error) and _is_locked(error.__cause__):
                return True
            raise
        return False

    def _lock_name(self, run: int, shard: int) -> str:
        return f"{self.where}.run{run}.shard{shard}.lock"

    def _lock(self, run: int, shard: int) -> sqlite3.Connection:
        name, lock = self._lock_name(run, shard), None
        try:
            lock = _connect(name, 0)
            lock.execute("PRAGMA journal_mode = MEMORY")
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if lock:
                lock.close()
            raise self._not_owned(run, shard, name, error) from error
        return lock

    def close(self) -> None:
        """Let go of the file and of the shards."""
        for connection in (self._connection, *self._locks.values()):
            with suppress(sqlite3.Error):
                connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.change(begin)
        with transaction(self._finish):
            yield

    def _finish(self, how: str) -> None:
        if how == "COMMIT" or self._connection.in_transaction:
            self.change(how)

    def _not_owned(self, run: int, shard: int, name: str, error: sqlite3.Error) -> StoreError:
        if not _is_locked(error):
            return StoreError(f"{name}: {error}")
        return StoreError(
            f"{self.where}: another coordinator has shard {shard} of run {run}; end it first"
        )

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(f"{self.where}: {error}")

    def _prepare(self) -> None:
        self._check_owner()
        if self.where != _MEMORY:
            self.rows("PRAGMA journal_mode = WAL")
        self.rows("PRAGMA synchronous = FULL")
        self.rows("PRAGMA foreign_keys = ON")
        self.rows("PRAGMA secure_delete = OFF")  # some builds overwrite what was deleted
        self.rows(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        if self._number("user_version") != VERSION:
            self._migrate()

    def _check_owner(self) -> None:
        """Refuse another program's database before anything of it is changed."""
        mark, tables = self._number("application_id"), self._number("schema_version")
        if mark != _APPLICATION and (mark or tables):
            raise StoreError(f"{self.where}: is a database of another program; name another file")

    def _migrate(self) -> None:
        with self.writing():
            for statement in _TYPES.statements(self._number("user_version"), self.where):
                self.change(statement)
            self.rows(f"PRAGMA application_id = {_APPLICATION}")
            self.rows(f"PRAGMA user_version = {VERSION}")

    def _number(self, pragma: str) -> int:
        number: int = self.rows(f"PRAGMA {pragma}")[0][0]
        return number


def _is_locked(error: BaseException) -> bool:
    return "locked" in str(error)


def _connect(where: str, patience_s: float) -> sqlite3.Connection:
    """A connection that leaves transactions to us."""
    return sqlite3.connect(where, timeout=patience_s, isolation_level=None, cached_statements=128)


class SqliteStore(SqlStore):
    """A store in the file ``where`` (``:memory:``: gone with the process, for experiments). Without
    ``create`` the file must be there."""

    def __init__(
        self, where: str, *, create: bool = True, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(SqliteDatabase(where, create), clock)
