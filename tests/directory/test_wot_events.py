"""W3C WoT Discovery, 7.3.2.2: the assertions on notifications, by their names."""

from __future__ import annotations

import httpx
import pytest
from directory_service import DISCOVERY, created, meaning, patch, put, served, td, visited
from event_stream import listening

from tinylearn.directory.settings import Limits, Settings


def test_tdd_notification_and_tdd_notification_sse(service, client):
    with listening(service.url) as listener:
        assert listener.answer.status_code == 200
        assert listener.answer.headers["content-type"].startswith("text/event-stream")
        one = created(client)
        assert listener.next().data == {"id": one["id"]}


def test_tdd_notification_event_types(service, client):
    with listening(service.url) as listener:
        one = created(client)
        put(client, {**one, "title": "put"})
        patch(client, one["id"], {"title": "patched"})
        client.delete(f"/things/{one['id']}")
        kinds = [listener.next().kind for _ in range(4)]
    assert kinds == ["thing_created", "thing_updated", "thing_updated", "thing_deleted"]


def test_an_anonymous_thing_is_told_of_by_its_local_id(service, client):
    with listening(service.url, "/events/thing_created") as listener:
        location = client.post("/things", json=td()).headers["location"]
        assert listener.next().data == {"id": location}


@pytest.mark.parametrize("kind", ["thing_created", "thing_updated", "thing_deleted"])
def test_tdd_notification_filter_type(service, client, kind):
    with listening(service.url, f"/events/{kind}") as listener:
        for _ in range(2):
            one = created(client)
            put(client, one)
            client.delete(f"/things/{one['id']}")
        assert {listener.next().kind for _ in range(2)} == {kind}
        assert listener.blocks.empty()


def test_tdd_notification_data_and_tdd_notification_data_td_id(service, client):
    with listening(service.url) as listener:
        one = created(client, tag="told")
        put(client, {**one, "title": "new"})
        client.delete(f"/things/{one['id']}")
        assert [listener.next().data for _ in range(3)] == [{"id": one["id"]}] * 3


def test_tdd_notification_data_create_full(service, client):
    with listening(service.url, "/events/thing_created?diff=true") as listener:
        one = created(client, tag="whole")
        data = listener.next().data
    assert meaning(data) == one
    assert {"created", "modified"} <= set(data["registration"]) and DISCOVERY in data["@context"]


def test_tdd_notification_data_update_diff_and_tdd_notification_data_update_id(service, client):
    one = created(client, description="old", tag={"a": 1, "b": 2})
    with listening(service.url, "/events/thing_updated?diff=true") as listener:
        put(client, {**one, "title": "new"})
        assert listener.next().data == {"id": one["id"], "title": "new"}
        patch(client, one["id"], {"description": None, "tag": {"b": 3}})
        told = {"id": one["id"], "description": None, "tag": {"b": 3}}
        assert listener.next().data == told
        patch(client, one["id"], {})
        assert listener.next().data == {"id": one["id"]}


def test_tdd_notification_data_delete_diff(service, client):
    one = created(client)
    with listening(service.url, "/events/thing_deleted?diff=true") as listener:
        client.delete(f"/things/{one['id']}")
        assert listener.next().data == {"id": one["id"]}


def test_what_expires_is_told_of(service, client):
    with listening(service.url, "/events/thing_deleted") as listener:
        one = created(client, registration={"ttl": 0.1})
        assert listener.next().data == {"id": one["id"]}


def test_what_was_refused_is_not_told_of(service, client):
    one = created(client)
    with listening(service.url) as listener:
        put(client, {**one, "title": 5})
        patch(client, one["id"], {"title": None})
        client.delete("/things/urn:x:none")
        assert client.delete(f"/things/{one['id']}", headers={"If-Match": '"x"'}).status_code == 412
        two = created(client)
        assert listener.next().data == {"id": two["id"]}


def test_tdd_notification_event_id(service, client):
    with listening(service.url) as listener:
        first = created(client)
        last = listener.next()
        assert last.data["id"] == first["id"]
    missed = [created(client)["id"] for _ in range(3)]
    with listening(service.url, "/events", **{"Last-Event-ID": last.id}) as listener:
        assert [listener.next().data["id"] for _ in range(3)] == missed
        fresh = created(client)
        assert listener.next().data["id"] == fresh["id"]


def test_a_resumed_stream_is_filtered_and_has_the_same_ids(service, client):
    with listening(service.url) as listener:
        created(client)
        place = listener.next().id
        one = created(client)
        client.delete(f"/things/{one['id']}")
        seen = [listener.next() for _ in range(2)]
    resume = {"Last-Event-ID": place}
    with listening(service.url, "/events/thing_deleted", **resume) as listener:
        assert listener.next() == seen[1]


@pytest.mark.parametrize("last", ["0-1", "nonsense", "", "-", "x" * 5000, "1-99999999999999999999"])
def test_a_place_that_is_not_known_gives_what_is_remembered(tmp_path, last):
    limits = Limits(history_events=3)
    with visited(tmp_path / "s", Settings(limits=limits)) as (found, client):
        names = [created(client)["id"] for _ in range(5)]
        with listening(found.url, "/events", **{"Last-Event-ID": last}) as listener:
            assert [listener.next().data["id"] for _ in range(3)] == names[2:]


def test_history_is_bounded_in_bytes(tmp_path):
    limits = Limits(history_bytes=20_000)
    with visited(tmp_path / "s", Settings(limits=limits)) as (found, client):
        names = [created(client, description="x" * 3000)["id"] for _ in range(20)]
        with listening(found.url, "/events", **{"Last-Event-ID": "0-0"}) as listener:
            told = [listener.next().data["id"] for _ in range(2)]
    assert told == names[-2:]


def test_parameters_that_make_no_sense(client):
    assert client.get("/events?diff=maybe").status_code == 400
    assert client.get("/events/thing_eaten").status_code == 404
    assert client.get("/events", headers={"Accept": "application/json"}).status_code == 406


def test_listeners_are_counted(tmp_path):
    with (
        served(tmp_path / "s", Settings(limits=Limits(subscribers=1))) as found,
        listening(found.url),
    ):
        answer = httpx.get(f"{found.url}/events")
        assert answer.status_code == 503 and answer.headers["retry-after"]
        assert httpx.get(f"{found.url}/things").status_code == 200


def test_streams_end_with_the_service(tmp_path):
    with visited(tmp_path / "s") as (found, client), listening(found.url) as listener:
        created(client)
        listener.next()
        found.server.stop()
        assert listener.has_ended()
