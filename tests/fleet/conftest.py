"""Brokers for the tests of the fleet, each with its own folder, users and rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Broker, EmbeddedServer
from mosquitto import MosquittoServer


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
