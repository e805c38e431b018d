"""The directory over an endpoint, and with what others have published."""

from __future__ import annotations

import json
import threading

import httpx
import pytest
from directory_service import (
    DISCOVERY,
    TD_JSON,
    created,
    meaning,
    new_id,
    patch,
    put,
    served,
    td,
    visited,
)
from support import shared
from support.sparql_server import SparqlServer
from support.things import oven

from tinylearn.directory.settings import Limits, Settings
from tinylearn.errors import BadInputError
from tinylearn.registry.td.document import parse_td


@pytest.fixture(scope="module")
def endpoint():
    server = SparqlServer()
    yield server
    server.stop()


def test_a_directory_over_an_endpoint(endpoint):
    with visited(endpoint.url) as (_, client):
        one = created(client, tag="there")
        assert meaning(client.get(f"/things/{one['id']}").json()) == one
        assert put(client, {**one, "title": "new"}).status_code == 204
        assert patch(client, one["id"], {"registration": {"ttl": 3600}}).status_code == 204
        assert client.get(f"/things/{one['id']}").json()["registration"]["ttl"] == 3600
        two = client.post("/things", json=td()).headers["location"]
        listed = client.get("/things?limit=1&sort_by=created")
        assert [thing["id"] for thing in listed.json()] == [one["id"]]
        assert client.delete(f"/things/{two}").status_code == 204
    with visited(endpoint.url) as (_, client):
        assert [thing["title"] for thing in client.get("/things").json()] == ["new"]


def test_an_endpoint_that_has_gone_is_told_of():
    server = SparqlServer()
    with visited(server.url) as (_, client):
        one = created(client)
        server.stop()
        for answer in (put(client, one), client.get("/things"), client.get(f"/things/{one['id']}")):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert str(server.port) not in answer.text, "where the store is, is nobody's business"


def test_a_directory_begins_where_it_ended(tmp_path):
    with visited(tmp_path / "s") as (_, client):
        one = created(client, registration={"ttl": 3600})
        put(client, {**one, "title": "changed"})
        before = client.get(f"/things/{one['id']}")
        version = client.get("/things?limit=1").headers["link"]
    with visited(tmp_path / "s") as (_, client):
        after = client.get(f"/things/{one['id']}")
        assert after.headers["etag"] == before.headers["etag"]
        said = [answer.json()["registration"] for answer in (before, after)]
        for name in ("created", "modified", "expires", "ttl"):
            assert said[0][name] == said[1][name]
        created(client)
        assert client.get("/things?limit=1").headers["link"] != version


def test_published_things_come_back_equal(tmp_path):
    """Those of the interoperability events that are valid; the others are refused by name."""
    published = sorted(shared.folder("rdf/wot-tds").rglob("*.json*"))
    documents = [path.read_bytes() for path in published[::4]]  # all: tests of the rules
    documents.append(json.dumps(oven()).encode())
    refused = 0
    with visited(tmp_path / "s") as (_, client):
        for document in documents:
            try:
                content = parse_td(document).content
            except BadInputError:
                answer = client.post("/things", content=document, headers={"Content-Type": TD_JSON})
                assert answer.status_code == 400 and answer.json()["validationErrors"]
                refused += 1
                continue
            thing = {"id": new_id(), **content}
            path = "/things/" + thing["id"].replace("/", "%2F").replace("#", "%23")
            sent = client.put(path, json=thing, headers={"Content-Type": TD_JSON})
            assert sent.status_code in (201, 204), sent.text
            assert same(client.get(path).json(), thing)
    assert refused < len(documents) / 2


def same(back: dict, sent: dict) -> bool:
    """But for what the directory adds."""
    contexts = [thing.pop("@context") for thing in (back, sent)]
    parts = [context if isinstance(context, list) else [context] for context in contexts]
    added = [[part for part in found if part != DISCOVERY] for found in parts]
    back.pop("registration")
    sent.pop("registration", None)
    return added[0] == added[1] and back == sent


def test_others_are_served_while_some_attack(tmp_path):
    """Bombs, floods of things that are refused, and searches that never end, all at once."""
    bombs = [b"[" * 900_000, b'{"a":' * 9_000, b'{"title": "' + b"x" * 1_000_000]
    evil = "$[?match(@.tag, '(a+)+$')]"
    is_over = threading.Event()
    settings = Settings(limits=Limits(search_seconds=1))
    with served(tmp_path / "s", settings) as found:
        attack = httpx.Client(base_url=found.url, timeout=60)

        def throw() -> None:
            while not is_over.is_set():
                for bomb in bombs:
                    attack.post("/things", content=bomb, headers={"Content-Type": TD_JSON})

        def search() -> None:
            while not is_over.is_set():
                attack.get("/search/jsonpath", params={"query": evil})

        with httpx.Client(base_url=found.url, timeout=5) as client:
            one = created(client, tag="a" * 40 + "!")
            threads = [threading.Thread(target=act) for act in (throw, throw, search, search)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(10):
                    assert client.get(f"/things/{one['id']}").status_code == 200
                    assert put(client, one).status_code == 204
                    assert len(client.get("/things").json()) == 1
            finally:
                is_over.set()
                for thread in threads:
                    thread.join(60)
                attack.close()
