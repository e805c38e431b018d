"""A directory as others meet it: served by uvicorn, on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from directory_service import Service, served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With default settings, shared by the tests of a module."""
    with served(tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """Of the shared service."""
    with httpx.Client(base_url=service.url, timeout=20) as found:
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[httpx.Client]:
    """Of a service with nothing in it yet."""
    with served(tmp_path / "store") as found, httpx.Client(base_url=found.url, timeout=20) as one:
        yield one
