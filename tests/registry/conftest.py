"""Stores of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sparql_server import SparqlServer

from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store


@pytest.fixture(scope="session")
def sparql_server() -> Iterator[SparqlServer]:
    """One server for all tests; ``place`` empties it."""
    server = SparqlServer()
    yield server
    server.stop()


@pytest.fixture(params=["embedded", "endpoint"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store can be, for each kind."""
    if request.param == "embedded":
        return str(tmp_path / "registry")
    server: SparqlServer = request.getfixturevalue("sparql_server")
    server.update("DROP ALL")
    return server.url


@pytest.fixture
def store(place: str) -> Iterator[GraphStore]:
    """An empty store, for each kind."""
    opened = open_store(place)
    yield opened
    opened.close()
