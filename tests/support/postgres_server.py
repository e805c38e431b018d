"""A PostgreSQL server for tests, in a folder of its own on a Unix socket; no service is touched."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

_USER = "postgres"
#: SIGINT ends a server in order, SIGQUIT as a crash would
ORDERLY, CRASH = signal.SIGINT, signal.SIGQUIT


def programs() -> Path:
    """The folder of ``initdb`` and ``postgres``; skips the test where there are none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    anywhere = shutil.which("initdb")
    if not found and not anywhere:
        pytest.skip("needs a PostgreSQL server (Debian: postgresql)")
    return found[-1].parent if found else Path(str(anywhere)).resolve().parent


def _identity() -> dict[str, object]:
    """Who the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        pytest.skip(f"needs the user {_USER!r}: PostgreSQL does not run as root")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class PostgresServer:
    """Runs from construction until ``stop``."""

    def __init__(self) -> None:
        pytest.importorskip("psycopg")
        self._programs, self._identity = programs(), _identity()
        self.folder = Path(tempfile.mkdtemp(prefix="tl-pg-"))
        if self._identity:
            os.chown(self.folder, int(str(self._identity["user"])), -1)
        self._data = self.folder / "data"
        self._do("initdb", "-D", str(self._data), "-U", _USER, "--auth=trust", "--no-sync")
        self._has_database = False
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers. Tests kill sessions, not the machine: without fsync."""
        program = str(self._programs / "postgres")
        places = ["-D", str(self._data), "-k", str(self.folder), "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *places, "-c", "fsync=off"],
                stderr=log,
                cwd=self.folder,
                **self._identity,  # type: ignore[call-overload]
            )
        self._wait()

    def stop(self, how: signal.Signals = ORDERLY) -> None:
        """Stop it; the data stays."""
        self._process.send_signal(how)
        self._process.wait(30)

    def remove(self) -> None:
        """Stop it for good."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def empty_database(self) -> str:
        """The address of a database without a store; all that used it are gone."""
        if not self._has_database:
            self.execute("CREATE DATABASE fleet")
            self._has_database = True
        self.end_sessions()
        self.execute("DROP SCHEMA IF EXISTS tinylearn CASCADE", "fleet")
        return self.url("fleet")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """As administrator, in a session of its own."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as session:
            session.execute(statement.encode())

    def end_sessions(self) -> None:
        """Kill all sessions of the database, wherever they are in their transactions."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'fleet'"
        )

    def _do(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **self._identity,  # type: ignore[call-overload]
        )

    def _wait(self) -> None:
        import psycopg

        for _ in range(300):
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text())
