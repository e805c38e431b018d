"""Serves a store in a thread, and Thing Descriptions to put into it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.routing import BaseRoute

from tinylearn.directory.app import create_app
from tinylearn.directory.server import Server
from tinylearn.directory.settings import Settings
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

TD_JSON = "application/td+json"
MERGE_PATCH = "application/merge-patch+json"
DISCOVERY = "https://www.w3.org/2022/wot/discovery"


@dataclass(frozen=True)
class Service:
    url: str
    server: Server
    store: GraphStore


@contextmanager
def served(
    where: Path | str, settings: Settings | None = None,
    more: Callable[[GraphStore], Sequence[BaseRoute]] = lambda _store: (),
) -> Iterator[Service]:  # fmt: skip
    """Until the block ends; the store is closed then, so that it can be opened again. ``more``: routes
    beside those of the directory."""
    settings = settings or Settings()
    with closing(open_store(where)) as store:
        app = create_app(store, settings, more(store))
        told: list[str] = []
        listening = threading.Event()
        server = Server(app, settings, lambda url: (told.append(url), listening.set())[0])
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert listening.wait(20)
            yield Service(told[0], server, store)
        finally:
            server.stop()
            thread.join(30)
            assert not thread.is_alive()


def new_id() -> str:
    return f"urn:uuid:{uuid.uuid4()}"


def td(identifier: str | None = None, **more: Any) -> dict[str, Any]:
    """A small valid Thing Description 1.0, anonymous without identifier."""
    found = {
        "@context": "https://www.w3.org/2019/wot/td/v1",
        "title": "example thing",
        "security": ["nosec_sc"],
        "securityDefinitions": {"nosec_sc": {"scheme": "nosec"}},
        **more,
    }
    return found if identifier is None else {**found, "id": identifier}


def put(client: httpx.Client, thing: dict[str, Any], **headers: str) -> httpx.Response:
    return client.put(
        f"/things/{thing['id']}", json=thing, headers={"Content-Type": TD_JSON, **headers}
    )


def created(client: httpx.Client, **more: Any) -> dict[str, Any]:
    """A thing that is registered now."""
    thing = td(new_id(), **more)
    assert put(client, thing).status_code == 201
    return thing


def patch(client: httpx.Client, identifier: str, changes: Any, **headers: str) -> httpx.Response:
    return client.patch(
        f"/things/{identifier}", json=changes, headers={"Content-Type": MERGE_PATCH, **headers}
    )


def meaning(content: dict[str, Any]) -> dict[str, Any]:
    """An enriched Thing Description without what the directory has added."""
    found = {name: value for name, value in content.items() if name != "registration"}
    context = [part for part in found["@context"] if part != DISCOVERY]
    found["@context"] = context[0] if len(context) == 1 else context
    return found


@contextmanager
def visited(
    where: Path | str, settings: Settings | None = None
) -> Iterator[tuple[Service, httpx.Client]]:
    """A service and a client of it."""
    with (
        served(where, settings) as service,
        httpx.Client(base_url=service.url, timeout=20) as client,
    ):
        yield service, client
