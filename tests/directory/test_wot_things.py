"""W3C WoT Discovery, 7.3.1 and 7.3.2.1: each assertion on single things, by its name."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

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
    td,
    visited,
)  # fmt: skip

from tinylearn.directory.settings import Settings


def post(client: httpx.Client, thing: object, kind: str = TD_JSON) -> httpx.Response:
    return client.post("/things", json=thing, headers={"Content-Type": kind})


def stored(client: httpx.Client, identifier: str) -> dict:
    answer = client.get(f"/things/{identifier}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert "T" in text and found.utcoffset() is not None
    return found


# ---- information model


def test_tdd_context_injection(client):
    one = created(client)
    assert DISCOVERY in stored(client, one["id"])["@context"]
    listed = client.get("/things").json()
    assert all(DISCOVERY in thing["@context"] for thing in listed)


@pytest.mark.parametrize(
    ("context", "enriched"),
    [
        ("https://www.w3.org/2022/wot/td/v1.1", ["https://www.w3.org/2022/wot/td/v1.1", DISCOVERY]),
        (
            ["https://www.w3.org/2022/wot/td/v1.1", {"@language": "en"}],
            ["https://www.w3.org/2022/wot/td/v1.1", DISCOVERY, {"@language": "en"}],
        ),
        (
            ["https://www.w3.org/2019/wot/td/v1", "https://www.w3.org/2022/wot/td/v1.1"],
            ["https://www.w3.org/2019/wot/td/v1", "https://www.w3.org/2022/wot/td/v1.1", DISCOVERY],
        ),
        (
            ["https://www.w3.org/2022/wot/td/v1.1", DISCOVERY],
            ["https://www.w3.org/2022/wot/td/v1.1", DISCOVERY],
        ),
    ],
)
def test_the_context_goes_behind_those_of_things_and_once(client, context, enriched):
    one = created(client, **{"@context": context})
    assert stored(client, one["id"])["@context"] == enriched


def test_tdd_absolute_time(client):
    registration = stored(client, created(client)["id"])["registration"]
    for name in ("created", "modified", "retrieved"):
        moment(registration[name])


def test_tdd_registrationinfo_vocab_created(client):
    one = created(client)
    first = moment(stored(client, one["id"])["registration"]["created"])
    assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)
    put(client, {**one, "title": "again"})
    assert moment(stored(client, one["id"])["registration"]["created"]) == first


def test_tdd_registrationinfo_vocab_modified(client):
    one = created(client)
    before = stored(client, one["id"])["registration"]
    assert before["modified"] == before["created"]
    put(client, {**one, "title": "again"})
    after = stored(client, one["id"])["registration"]
    assert moment(after["modified"]) > moment(before["modified"])


def test_created_and_modified_are_the_directorys_to_say(client):
    said = {"created": "1999-01-01T00:00:00Z", "modified": "1999-01-01T00:00:00Z", "retrieved": "x"}
    one = created(client, registration=said)
    assert moment(stored(client, one["id"])["registration"]["created"]).year > 2000


def test_tdd_registrationinfo_vocab_expires(client):
    at = "2130-01-31T12:00:00+01:00"
    one = created(client, registration={"expires": at})
    assert moment(stored(client, one["id"])["registration"]["expires"]) == moment(at)


def test_tdd_registrationinfo_vocab_ttl(client):
    one = created(client, registration={"ttl": 3600, "expires": "2130-01-31T12:00:00Z"})
    found = stored(client, one["id"])["registration"]
    assert found["ttl"] == 3600
    assert moment(found["expires"]) - moment(found["modified"]) == timedelta(hours=1)


def test_an_empty_patch_extends_a_ttl(client):
    one = created(client, registration={"ttl": 3600})
    before = stored(client, one["id"])["registration"]
    assert patch(client, one["id"], {}).status_code == 204
    after = stored(client, one["id"])["registration"]
    assert after["ttl"] == 3600 and moment(after["expires"]) > moment(before["expires"])


def test_a_patch_sets_and_removes_when_a_thing_expires(client):
    one = created(client)
    wish = {"registration": {"expires": "2130-01-31T12:00:00Z"}}
    assert patch(client, one["id"], wish).status_code == 204
    assert "expires" in stored(client, one["id"])["registration"]
    assert patch(client, one["id"], {"registration": None}).status_code == 204
    assert "expires" not in stored(client, one["id"])["registration"]


@pytest.mark.parametrize(
    ("registration", "field"),
    [
        ({"ttl": -1}, "$.registration.ttl"),
        ({"ttl": True}, "$.registration.ttl"),
        ({"ttl": 1e300}, "$.registration.ttl"),
        ({"expires": "tomorrow"}, "$.registration.expires"),
        ({"expires": "2130-01-31T12:00:00"}, "$.registration.expires"),
        ({"expires": 5}, "$.registration.expires"),
        ({"expires": "1999-01-01T00:00:00Z"}, "$.registration.expires"),
        ([1], "$.registration"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(client, registration, field):
    answer = put(client, td(new_id(), registration=registration))
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["validationErrors"]] == [field]


def test_tdd_registrationinfo_vocab_retrieved(client):
    one = created(client)
    first = moment(stored(client, one["id"])["registration"]["retrieved"])
    assert moment(stored(client, one["id"])["registration"]["retrieved"]) > first


def test_tdd_registrationinfo_expiry_purge(service, client):
    one = created(client, registration={"ttl": 0.2})
    deadline = time.monotonic() + 20
    while client.get(f"/things/{one['id']}").status_code == 200:
        assert time.monotonic() < deadline
    assert one["id"] not in {thing["id"] for thing in client.get("/things").json()}
    assert put(client, one).status_code == 201, "what has expired is not there to be replaced"


def test_tdd_anonymous_td_identifier(client):
    tag = new_id()
    identifier = post(client, td(tag=tag)).headers["location"]
    assert stored(client, identifier)["id"] == identifier
    listed = [thing for thing in client.get("/things").json() if thing.get("tag") == tag]
    assert [thing["id"] for thing in listed] == [identifier]
    found = client.get("/search/jsonpath", params={"query": f"$[?@.tag=='{tag}'].id"}).json()
    assert found == [identifier]


def test_tdd_anonymous_td_local_uuid(client):
    location = post(client, td()).headers["location"]
    scheme, _, text = location.rpartition(":")
    assert scheme == "urn:uuid" and uuid.UUID(text).version == 4


# ---- HTTP


def test_tdd_http_error_response(client):
    answers = [
        post(client, {"title": 5}),
        client.get("/things/urn:x:none"),
        client.get("/nothing/here"),
        client.put("/things", content=b""),
        client.post("/things", content=b"<td/>", headers={"Content-Type": "application/xml"}),
        client.get("/things", headers={"Accept": "text/turtle"}),
        client.get("/things?limit=-1"),
        client.get("/events/thing_eaten"),
        client.get("/search/xpath?query=*"),
    ]
    assert [a.status_code for a in answers] == [400, 404, 404, 405, 415, 406, 400, 404, 501]
    for answer in answers:
        said = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert said["status"] == answer.status_code
        assert said["type"] == "about:blank" and said["title"] and said["detail"]


def test_tdd_http_error_response_utf_8(client):
    answer = client.get("/things/urn:x:straße-日本")
    assert answer.status_code == 404
    assert "straße-日本" in answer.content.decode("utf-8", "strict")


def test_tdd_http_head(client):
    one = created(client)
    for path in (f"/things/{one['id']}", "/things", "/things?limit=1", "/.well-known/wot",
                 "/events", "/search/jsonpath?query=$"):  # fmt: skip
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b""), path
    head, get = client.head(f"/things/{one['id']}"), client.get(f"/things/{one['id']}")
    for name in ("content-type", "content-length", "etag", "last-modified"):
        assert head.headers[name] == get.headers[name]


def test_head_tells_no_length_where_get_tells_none(client):
    for path in ("/things", "/events"):
        with client.stream("GET", path) as get:
            assert "content-length" not in get.headers
        assert "content-length" not in client.head(path).headers


def test_tdd_http_unsupported_feature(client):
    assert client.get("/search/xpath?query=*").status_code == 501
    assert client.get("/things?sort_by=weight").status_code == 501
    answer = client.patch("/things", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


# ---- CRUDL


def test_tdd_things_crud_and_tdd_things_crudl(client):
    one = created(client)
    assert stored(client, one["id"])["title"] == one["title"]
    assert put(client, {**one, "title": "new"}).status_code == 204
    assert one["id"] in {thing["id"] for thing in client.get("/things").json()}
    assert client.delete(f"/things/{one['id']}").status_code == 204
    assert client.get(f"/things/{one['id']}").status_code == 404


def test_tdd_things_read_only_auth(tmp_path):
    with visited(tmp_path / "s", Settings(tokens=("secret",))) as (_, client):
        one = td(new_id())
        refused = [post(client, td()), put(client, one), patch(client, one["id"], {}),
                   client.delete(f"/things/{one['id']}")]  # fmt: skip
        assert [answer.status_code for answer in refused] == [401] * 4
        assert all(a.headers["www-authenticate"].startswith("Bearer ") for a in refused)
        assert client.get("/things").json() == []


def test_tdd_things_default_representation(client):
    one = created(client)
    assert client.get(f"/things/{one['id']}").headers["content-type"] == "application/td+json"
    assert client.get("/things").headers["content-type"] == "application/ld+json"


def test_tdd_things_representation_alternate_input(client):
    for kind in ("application/td+json", "application/ld+json", "application/json",
                 "application/td+json; charset=utf-8"):  # fmt: skip
        assert post(client, td(), kind).status_code == 201
    no_kind = client.post("/things", content=httpx.Request("POST", "x:", json=td()).content)
    assert no_kind.status_code == 201
    refused = post(client, td(), "text/plain")
    assert refused.status_code == 415 and "application/td+json" in refused.headers["accept-post"]
    zipped = client.post(
        "/things", content=b"x", headers={"Content-Type": TD_JSON, "Content-Encoding": "gzip"}
    )
    assert zipped.status_code == 415


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/td+json"),
        ("application/json", "application/json"),
        ("application/ld+json, application/json;q=0.5", "application/ld+json"),
        ("text/html, application/*;q=0.2", "application/td+json"),
        ("application/td+json;q=0, application/json", "application/json"),
    ],
)
def test_tdd_http_representation_alternate_output(client, accept, kind):
    one = created(client)
    answer = client.get(f"/things/{one['id']}", headers={"Accept": accept})
    assert answer.headers["content-type"] == kind


def test_tdd_things_create_known_vs_anonymous(client):
    answer = post(client, td(new_id()))
    assert answer.status_code == 400
    assert answer.json()["validationErrors"][0]["field"] == "$.id"
    assert client.put("/things", json=td()).status_code == 405
    nameless = client.put(f"/things/{new_id()}", json=td(), headers={"Content-Type": TD_JSON})
    assert nameless.status_code == 400


def test_tdd_things_create_known_td(client):
    one = td(new_id(), tag="known")
    put(client, one)
    assert meaning(stored(client, one["id"])) == one


def test_a_thing_is_registered_under_its_own_id_alone(client):
    answer = client.put(f"/things/{new_id()}", json=td(new_id()), headers={"Content-Type": TD_JSON})
    assert answer.status_code == 400
    assert answer.json()["validationErrors"][0]["field"] == "$.id"


def test_tdd_things_create_known_contenttype(client):
    one = td(new_id())
    assert client.put(f"/things/{one['id']}", json=one, headers={"Content-Type": TD_JSON})


def test_tdd_things_create_known_td_resp(client):
    assert put(client, td(new_id())).status_code == 201


def test_tdd_things_create_anonymous_td(client):
    location = post(client, td(tag="anonymous")).headers["location"]
    assert meaning(stored(client, location)) == td(location, tag="anonymous")


def test_tdd_things_create_anonymous_contenttype(client):
    assert post(client, td(), "application/td+json").status_code == 201


def test_tdd_things_create_anonymous_id(client):
    location = post(client, td()).headers["location"]
    assert patch(client, location, {"title": "managed"}).status_code == 204
    assert stored(client, location)["title"] == "managed"
    anonymous = client.put(
        f"/things/{location}", json=td(title="replaced"), headers={"Content-Type": TD_JSON}
    )
    assert anonymous.status_code == 204
    assert stored(client, location)["id"] == location


def test_tdd_things_create_anonymous_td_resp(client):
    answer = post(client, td())
    assert answer.status_code == 201
    assert answer.headers["location"].startswith("urn:uuid:")
    assert client.get(answer.headers["content-location"]).status_code == 200


def test_tdd_things_retrieve(client):
    one = created(client, tag="read")
    assert meaning(stored(client, one["id"])) == one


def test_tdd_things_retrieve_resp(client):
    answer = client.get(f"/things/{created(client)['id']}")
    assert answer.status_code == 200 and answer.json()["title"] == "example thing"


def test_tdd_things_retrieve_resp_content_type(client):
    answer = client.get(f"/things/{created(client)['id']}")
    assert answer.headers["content-type"] in ("application/json", "application/td+json")


def test_tdd_things_update(client):
    one = created(client, description="old")
    changed = td(one["id"], title="new")
    put(client, changed)
    assert meaning(stored(client, one["id"])) == changed


def test_tdd_things_update_contenttype(client):
    one = created(client)
    answer = client.put(
        f"/things/{one['id']}", json=one, headers={"Content-Type": "application/td+json"}
    )
    assert answer.status_code == 204


def test_tdd_things_update_resp(client):
    answer = put(client, created(client))
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_enriched_thing_can_be_put_back(client):
    one = created(client)
    assert put(client, stored(client, one["id"])).status_code == 204
    assert meaning(stored(client, one["id"])) == one


STATUS = {"status": {"forms": [{"href": "https://lamp.example.com/status"}]}}
LEVEL = {"level": {"forms": [{"href": "https://lamp.example.com/level"}]}}
TWO = [{"href": "https://lamp.example.com/status"}, {"href": "coaps://lamp.example.com/status"}]


def test_tdd_things_update_partial(client):
    one = created(client)
    patch(client, one["id"], {"title": "new title"})
    assert meaning(stored(client, one["id"])) == {**one, "title": "new title"}


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ({"description": "gone soon"}, {"description": None}, {}),
        ({"properties": STATUS}, {"properties": LEVEL}, {"properties": {**STATUS, **LEVEL}}),
        (
            {"properties": STATUS},
            {"properties": {"status": {"forms": TWO}}},
            {"properties": {"status": {"forms": TWO}}},
        ),
        ({}, {"tag": {"a": None, "b": {"c": 1}}}, {"tag": {"b": {"c": 1}}}),
    ],
)
def test_tdd_things_update_partial_mergepatch(client, before, change, after):
    one = created(client, **before)
    assert patch(client, one["id"], change).status_code == 204
    rest = {name: value for name, value in one.items() if name not in before}
    assert meaning(stored(client, one["id"])) == {**rest, **after}


def test_tdd_things_update_partial_contenttype(client):
    one = created(client)
    answer = client.patch(
        f"/things/{one['id']}", json={"title": "x"}, headers={"Content-Type": TD_JSON}
    )
    assert answer.status_code == 415
    assert answer.headers["accept-patch"] == "application/merge-patch+json"


@pytest.mark.parametrize("change", [[1], "text", None, 5])
def test_tdd_things_update_partial_partialtd(client, change):
    one = created(client)
    assert patch(client, one["id"], change).status_code == 400
    assert meaning(stored(client, one["id"])) == one


@pytest.mark.parametrize("change", [{"title": None}, {"title": 5}, {"id": "urn:x:y"}, {"id": None}])
def test_a_patch_that_breaks_a_thing_changes_nothing(client, change):
    one = created(client)
    answer = patch(client, one["id"], change)
    assert answer.status_code == 400
    assert all(e["field"] and e["description"] for e in answer.json()["validationErrors"])
    assert meaning(stored(client, one["id"])) == one


def test_tdd_things_update_partial_resp(client):
    answer = patch(client, created(client)["id"], {"title": "x"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert patch(client, new_id(), {"title": "x"}).status_code == 404


def test_tdd_things_delete(client):
    one = created(client)
    client.delete(f"/things/{one['id']}")
    assert client.get(f"/things/{one['id']}").status_code == 404
    assert client.delete("/things/non-existing-td").status_code == 404


def test_tdd_things_delete_resp(client):
    answer = client.delete(f"/things/{created(client)['id']}")
    assert (answer.status_code, answer.content) == (204, b"")


# ---- validation


def test_tdd_validation_syntactic(client):
    for name in ("title", "@context", "security", "securityDefinitions"):
        broken = {key: value for key, value in td(new_id()).items() if key != name}
        assert put(client, broken).status_code == 400
        broken.pop("id")
        assert post(client, broken).status_code == 400


def test_tdd_validation_jsonschema(client):
    answer = put(client, td(new_id(), properties={"status": {"forms": [{"href": 5}]}}))
    assert answer.status_code == 400
    assert "properties.status.forms" in answer.json()["validationErrors"][0]["field"]


def test_tdd_validation_result_and_tdd_validation_response(client):
    broken = td(new_id(), title=5)
    broken.pop("security")
    answer = put(client, broken)
    errors = answer.json()["validationErrors"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(errors) >= 2
    assert all(set(error) == {"field", "description"} and all(error.values()) for error in errors)


def test_tdd_validation_response_utf_8(client):
    answer = put(client, td(new_id(), securityDefinitions="ünïcödé"))
    assert answer.status_code == 400
    answer.content.decode("utf-8", "strict")


def test_what_is_no_json_is_refused(client):
    for body in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"title": NaN}', b'{"a": 1, "a": 2}'):
        answer = client.post("/things", content=body, headers={"Content-Type": TD_JSON})
        assert answer.status_code == 400, body
        assert answer.json()["validationErrors"]
