"""Databases for the stores: SQLite files and a PostgreSQL server of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server; skips where none is installed."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store can be, for each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "fleet.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.empty_database()
