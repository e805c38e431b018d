"""Brokers and databases for the tests of the fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Broker, EmbeddedServer
from mosquitto import MosquittoServer
from support.postgres_server import PostgresServer


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    """The real one, running; skips where it is not installed."""
    server = MosquittoServer(tmp_path / "a broker")
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Mosquitto, then the embedded one."""
    kind = MosquittoServer if request.param == "mosquitto" else EmbeddedServer
    server: Broker = kind(tmp_path / "a broker")
    server.start()
    yield server
    server.kill()


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
