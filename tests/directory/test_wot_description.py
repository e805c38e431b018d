"""W3C WoT Discovery, 6.2, 7.2 and 7.3.2.4: the directory's own Thing Description."""

from __future__ import annotations

import json

import httpx
import pytest
from directory_service import served

from tinylearn.directory.settings import Settings
from tinylearn.directory.well_known import description
from tinylearn.registry.td.document import parse_td

SETTINGS = [Settings(), Settings(tokens=("t",)), Settings(tokens=("t",), read="token")]


@pytest.mark.parametrize("settings", SETTINGS)
def test_introduction_well_known_thing_description(settings):
    content = description(settings, "http://directory.example:8080")
    assert parse_td(json.dumps(content)).title


def test_introduction_well_known_path_and_exploration_server_http_resp(client):
    answer = client.get("/.well-known/wot")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/td+json"
    assert answer.json()["base"] == str(client.base_url).rstrip("/")


def test_exploration_directory_description_type(client):
    own = client.get("/.well-known/wot").json()
    assert own["@type"] == "ThingDirectory"
    assert "https://www.w3.org/2022/wot/discovery" in own["@context"]


def test_exploration_server_http_head(client):
    head, get = client.head("/.well-known/wot"), client.get("/.well-known/wot")
    assert head.content == b"" and head.headers["content-length"] == get.headers["content-length"]


def test_all_affordances_of_the_thing_model_are_there(client):
    own = client.get("/.well-known/wot").json()
    assert set(own["properties"]) == {"things"}
    assert set(own["actions"]) == {
        "createThing", "createAnonymousThing", "retrieveThing", "updateThing",
        "partiallyUpdateThing", "deleteThing", "searchJSONPath", "searchSPARQL",
    }  # fmt: skip
    assert set(own["events"]) == {"thingCreated", "thingUpdated", "thingDeleted"}


def test_the_security_of_the_forms_is_that_of_the_service():
    nobody, writing, all_of_it = (description(s, "http://x") for s in SETTINGS)
    assert nobody["security"] == "open"
    assert writing["security"] == all_of_it["security"] == "token"
    assert writing["securityDefinitions"]["token"]["scheme"] == "bearer"
    create, things = (
        lambda own: own["actions"]["createThing"]["forms"][0].get("security"),
        lambda own: own["properties"]["things"]["forms"][0].get("security"),
    )
    assert (create(writing), things(writing)) == (None, "open")
    assert (create(all_of_it), things(all_of_it)) == (None, None)


def test_exploration_secboot_401_how_to_log_in_is_told_before_one_has(tmp_path):
    settings = Settings(tokens=("secret",), read="token")
    with served(tmp_path / "s", settings) as found, httpx.Client(base_url=found.url) as client:
        assert client.get("/things").status_code == 401
        assert client.get("/.well-known/wot").json()["security"] == "token"
        told = {"Authorization": "Bearer secret"}
        assert client.get("/things", headers=told).status_code == 200
