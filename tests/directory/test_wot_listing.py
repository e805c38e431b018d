"""W3C WoT Discovery, 7.3.2.1.5: the assertions on listing, by their names."""

from __future__ import annotations

import re

import httpx
import pytest
from directory_service import created, meaning, put, td


@pytest.fixture
def twelve(fresh: httpx.Client) -> httpx.Client:
    """A directory of urn:x:00 to urn:x:11, registered in another order, titles falling."""
    for number in (5, 11, 0, 3, 8, 1, 10, 7, 2, 9, 4, 6):
        thing = td(f"urn:x:{number:02}", title=f"thing {40 - number}")
        assert put(fresh, thing).status_code == 201
    return fresh


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [thing["id"] for thing in answer.json()]


def link(answer: httpx.Response, relation: str) -> str | None:
    for target, rest in re.findall(r"<([^>]*)>([^,]*)", answer.headers["link"]):
        if f'rel="{relation}"' in rest:
            return target
    return None


def etag(answer: httpx.Response) -> str:
    return re.search(r'rel="canonical"; etag="([^"]+)"', answer.headers["link"])[1]


ALL = [f"urn:x:{number:02}" for number in range(12)]


def test_tdd_things_list_only_and_tdd_things_list_method(twelve):
    assert ids(twelve.get("/things")) == ALL
    assert ids(twelve.get("/things/")) == ALL


def test_tdd_things_list_resp(fresh):
    assert fresh.get("/things").json() == []
    one = created(fresh, tag="listed")
    listed = fresh.get("/things").json()
    assert [meaning(thing) for thing in listed] == [one]
    assert {"created", "modified", "retrieved"} <= set(listed[0]["registration"])


def test_tdd_things_list_resp_content_type(fresh):
    assert fresh.get("/things").headers["content-type"] == "application/ld+json"
    as_json = fresh.get("/things", headers={"Accept": "application/json"})
    assert as_json.headers["content-type"] == "application/json"


def test_tdd_things_list_pagination(twelve):
    pages, address = [], "/things?limit=5"
    while address:
        answer = twelve.get(address)
        pages.append(ids(answer))
        address = link(answer, "next")
    assert pages == [ALL[:5], ALL[5:10], ALL[10:]]


def test_tdd_things_list_pagination_limit(twelve):
    assert len(ids(twelve.get("/things?limit=3"))) == 3
    assert len(ids(twelve.get("/things?limit=999999999"))) == 12
    for wrong in ("0", "-1", "x", "1.5", "", "1e3", "99999999999", "٣"):
        assert twelve.get("/things", params={"limit": wrong}).status_code == 400


def test_offsets(twelve):
    assert ids(twelve.get("/things?offset=10")) == ALL[10:]
    assert ids(twelve.get("/things?offset=12&limit=5")) == []
    assert twelve.get("/things?offset=-1").status_code == 400


def test_tdd_things_list_pagination_header_nextlink(twelve):
    assert link(twelve.get("/things?limit=5"), "next")
    assert link(twelve.get("/things?limit=12"), "next") is None
    assert link(twelve.get("/things?offset=10&limit=5"), "next") is None
    assert link(twelve.get("/things"), "next") is None


def test_tdd_things_list_pagination_header_nextlink_attr(twelve):
    answer = twelve.get("/things?limit=5&sort_by=title&sort_order=desc&format=collection")
    target = link(answer, "next")
    query = dict(httpx.URL(target).params)
    assert query == {"offset": "5", "limit": "5", "sort_by": "title", "sort_order": "desc",
                     "format": "collection"}  # fmt: skip


def test_tdd_things_list_pagination_header_nextlink_base(twelve):
    target = link(twelve.get("/things?limit=5"), "next")
    assert target.startswith("/things?")
    assert twelve.get(target).status_code == 200


def test_tdd_things_list_pagination_header_canonicallink(twelve):
    first, second = twelve.get("/things?limit=5"), twelve.get("/things?limit=5&offset=5")
    assert link(first, "canonical") == "/things"
    assert etag(first) == etag(second)
    created(twelve)
    assert etag(twelve.get("/things?limit=5")) != etag(first)


def test_the_version_of_the_list_is_kept_where_only_content_changes(twelve):
    before, by_title = twelve.get("/things?limit=5"), twelve.get("/things?limit=5&sort_by=title")
    put(twelve, td("urn:x:03", title="thing 99"))
    assert etag(twelve.get("/things?limit=5")) == etag(before)
    assert etag(twelve.get("/things?limit=5&sort_by=title")) != etag(by_title)


def test_tdd_things_list_pagination_order_default(fresh):
    names = ["urn:x:Z", "urn:x:a", "urn:x:_", "urn:x:10", "urn:x:9", "urn:X:b", "http://x.example/"]
    for name in names:
        put(fresh, td(name))
    assert ids(fresh.get("/things")) == sorted(names)


def test_tdd_things_list_pagination_order(twelve):
    assert ids(twelve.get("/things?sort_by=title")) == ALL[::-1]
    assert ids(twelve.get("/things?sort_by=title&sort_order=desc")) == ALL
    assert ids(twelve.get("/things?sort_order=desc")) == ALL[::-1]
    assert ids(twelve.get("/things?sort_by=created&limit=3")) == [
        "urn:x:05",
        "urn:x:11",
        "urn:x:00",
    ]
    put(twelve, td("urn:x:05", title="late"))
    assert ids(twelve.get("/things?sort_by=modified&sort_order=desc&limit=1")) == ["urn:x:05"]


def test_tdd_things_list_pagination_order_unsupported(twelve):
    answer = twelve.get("/things?sort_by=colour")
    assert answer.status_code == 501
    assert "title" in answer.json()["detail"]


def test_tdd_things_list_pagination_order_nextlink(twelve):
    address, found = "/things?limit=5&sort_by=title&sort_order=desc", []
    while address:
        answer = twelve.get(address)
        found += ids(answer)
        address = link(answer, "next")
    assert found == ALL


def test_tdd_things_list_pagination_collection(twelve):
    found = twelve.get("/things?limit=5&offset=5&format=collection").json()
    members = found.pop("members")
    assert [thing["id"] for thing in members] == ALL[5:10]
    assert found == {
        "@context": "https://www.w3.org/2022/wot/discovery",
        "@type": "ThingCollection",
        "@id": "/things?offset=5&limit=5&format=collection",
        "total": 12,
        "next": "/things?offset=10&limit=5&format=collection",
    }
    last = twelve.get(found["next"]).json()
    assert len(last["members"]) == 2 and "next" not in last
    assert twelve.get("/things?format=heap").status_code == 400


def test_tdd_things_list_http11_chunks(twelve):
    assert twelve.get("/things").headers["transfer-encoding"] == "chunked"


def test_what_is_not_known_of_a_query_is_said(twelve):
    assert "ofset" in twelve.get("/things?ofset=3").json()["detail"]
