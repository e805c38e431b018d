"""What HTTP users expect, and what others try: conditions, addresses, sizes, slowness, counts."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx
import pytest
from directory_service import TD_JSON, created, meaning, new_id, patch, put, td, visited
from support.waiting import until

from tinylearn.directory.settings import Limits, Settings

MEGABYTE = 2**20


def etag(client: httpx.Client, identifier: str) -> str:
    return client.get(f"/things/{identifier}").headers["etag"]


# ---- conditions


def test_a_tag_names_a_state(client):
    one = created(client)
    first = etag(client, one["id"])
    assert first == etag(client, one["id"]), "the time of retrieval is no state"
    assert put(client, {**one, "title": "new"}).headers["etag"] == etag(client, one["id"]) != first
    assert patch(client, one["id"], {}).headers["etag"] == etag(client, one["id"])
    client.delete(f"/things/{one['id']}")
    assert put(client, one).headers["etag"] != first


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match(client, method):
    one = created(client)
    tag = etag(client, one["id"])
    kind = TD_JSON if method == "PUT" else "application/merge-patch+json"

    def change(condition: str) -> int:
        body = None if method == "DELETE" else one
        headers = {"Content-Type": kind, "If-Match": condition}
        return client.request(
            method, f"/things/{one['id']}", json=body, headers=headers
        ).status_code

    for wrong in ('"another"', f"W/{tag}", tag.strip('"'), '"a", "b"', ""):
        assert change(wrong) == 412, wrong
    assert meaning(client.get(f"/things/{one['id']}").json()) == one
    assert change(f'"another", {tag}') == 204
    if method != "DELETE":
        assert change(tag) == 412, "that was before"
        assert change("*") == 204


def test_if_match_where_there_is_nothing(client):
    answer = put(client, td(new_id()), **{"If-Match": "*"})
    assert answer.status_code == 412
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_unmodified_since(client, method):
    one = created(client)
    seen = client.get(f"/things/{one['id']}").headers["last-modified"]
    before = format_datetime(parsedate_to_datetime(seen) - timedelta(seconds=1), usegmt=True)
    kind = TD_JSON if method == "PUT" else "application/merge-patch+json"

    def change(**conditions: str) -> int:
        body = None if method == "DELETE" else one
        sent = {"Content-Type": kind} | {n.replace("_", "-"): v for n, v in conditions.items()}
        return client.request(method, f"/things/{one['id']}", json=body, headers=sent).status_code

    assert change(If_Unmodified_Since=before) == 412
    assert change(If_Unmodified_Since=before, If_Match='"another"') == 412
    assert meaning(client.get(f"/things/{one['id']}").json()) == one
    if method != "DELETE":
        assert change(If_Unmodified_Since=before, If_Match="*") == 204, "the tag says more"
        assert change(If_Unmodified_Since="yesterday") == 204, "no date"
    seen = client.get(f"/things/{one['id']}").headers["last-modified"]
    assert change(If_Unmodified_Since=seen) == 204


def test_if_none_match_creates_only(client):
    one = td(new_id())
    only_new = {"If-None-Match": "*"}
    assert put(client, one, **only_new).status_code == 201
    assert put(client, {**one, "title": "other"}, **only_new).status_code == 412
    assert meaning(client.get(f"/things/{one['id']}").json()) == one


def test_reading_again_what_one_has(client):
    one = created(client)
    tag = etag(client, one["id"])
    for condition in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = client.get(f"/things/{one['id']}", headers={"If-None-Match": condition})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    other = client.get(f"/things/{one['id']}", headers={"If-None-Match": '"x"'})
    assert other.status_code == 200
    assert parsedate_to_datetime(other.headers["last-modified"])


def test_options(client):
    answer = client.options("/things")
    assert answer.status_code == 204 and answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    one = client.options("/things/urn:x:y")
    assert one.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert one.headers["accept-patch"] == "application/merge-patch+json"


# ---- addresses


@pytest.mark.parametrize(
    "identifier",
    [
        "urn:x:plain",
        "http://example.com/a/b?c=d#e",
        "http://example.com//double///slashes/",
        "urn:x:../../etc/passwd",
        "urn:x:a%2Fb",
        "urn:x:%2e%2e",
        "urn:x:;,@&=+$!*'()~",
        "did:example:123;service=agent/path?x=1",
        "urn:x:" + "n" * 2000,
    ],
)
def test_any_id_is_one_path_and_comes_back_the_same(client, identifier):
    path = "/things/" + quote(identifier, safe="")
    one = td(identifier)
    answer = client.put(path, json=one, headers={"Content-Type": TD_JSON})
    assert answer.status_code == 201, answer.text
    assert client.get(answer.headers["location"]).json()["id"] == identifier
    assert meaning(client.get(path).json()) == one
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "..", "../..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", ".", "%00", "urn:x:%00", "%",
        "urn:x:%zz", "urn:x:%0a", "//", "relative", ":x", "urn:x:%3Cscript%3E", "urn:x:a b",
        "urn:x:%7B%7D", "1urn:x:y", "urn:x:%EF%BF%BE%22",
    ],
)  # fmt: skip
def test_what_is_no_id_names_nothing(client, path):
    """The raw path is sent as it is: no client in between tidies it up."""
    status, _, body = raw(client, f"GET /things/{path} HTTP/1.1")
    assert status in (400, 404), body
    thing = httpx.Request("PUT", "x:", json=td(path)).content
    status, _, body = raw(client, f"PUT /things/{path} HTTP/1.1", thing)
    assert status in (400, 404), body
    assert raw(client, f"DELETE /things/{path} HTTP/1.1")[0] in (400, 404)


def test_ids_that_are_not_utf_8_or_too_long(client):
    assert raw(client, "GET /things/urn:x:%ff%fe HTTP/1.1")[0] == 400
    assert client.get("/things/urn:x:" + "n" * 2049).status_code == 414
    assert put(client, td("urn:x:" + "n" * 5000)).status_code == 414


def test_a_graph_of_something_else_is_not_replaced(service, client):
    from pyoxigraph import NamedNode, Triple

    model = NamedNode("urn:x:a-model")
    triples = [Triple(model, NamedNode("urn:x:is"), NamedNode("urn:x:a"))]
    service.store.upsert({model: triples})
    answer = put(client, td("urn:x:a-model"))
    assert answer.status_code == 409
    assert client.get("/things/urn:x:a-model").status_code == 404
    assert client.delete("/things/urn:x:a-model").status_code == 404
    assert service.store.graph(model) == triples


def test_what_the_registry_says_of_things_is_not_for_them_to_say(client):
    """A context can give any name to the predicates that the registry keeps things by."""
    own = {"doc": "urn:tinylearn:ns:document",
           "reg": "https://www.w3.org/2022/wot/discovery-ontology#hasRegistrationInformation"}  # fmt: skip
    one = created(client, **{
        "@context": ["https://www.w3.org/2022/wot/td/v1.1", own],
        "doc": '{"title": "forged"}',
        "reg": {"http://schema.org/dateCreated": "1999-01-01T00:00:00Z"},
    })  # fmt: skip
    listed = [thing for thing in client.get("/things").json() if thing["id"] == one["id"]]
    assert [meaning(thing) for thing in listed] == [one]
    assert not listed[0]["registration"]["created"].startswith("1999")


# ---- sizes


def test_a_body_of_100_mb_is_refused_before_it_is_read(client):
    head = f"POST /things HTTP/1.1\r\nContent-Type: {TD_JSON}\r\nContent-Length: {100 * 10**6}"
    status, headers, _ = raw(client, head)
    assert status == 413 and headers["content-type"] == "application/problem+json"


def test_a_body_of_100_mb_that_does_not_say_so(client):
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += MEGABYTE
            yield b" " * MEGABYTE

    answer = client.post("/things", content=body(), headers={"Content-Type": TD_JSON})
    assert answer.status_code == 413
    assert client.get("/things").status_code == 200


def test_the_largest_body_is_taken(client):
    identifier = new_id()
    room = MEGABYTE - len(httpx.Request("PUT", "x:", json=td(identifier, description="")).content)
    assert put(client, td(identifier, description="x" * room)).status_code == 201
    assert put(client, td(identifier, description="x" * (room + 1))).status_code == 413


def test_json_bombs(client):
    for body in (b"[" * 100_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b'"' + b"\\u00e9" * 100_000,
                 b'{"title": ' + b"9" * 100_000 + b"}", b'{"a": "\\ud800"}'):  # fmt: skip
        answer = client.post("/things", content=body, headers={"Content-Type": TD_JSON})
        assert answer.status_code == 400
        one = created(client)
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = client.patch(f"/things/{one['id']}", content=body, headers=headers)
        assert answer.status_code == 400


def test_headers_that_are_too_long(client):
    assert raw(client, f"GET /things/urn:x:{'x' * 70_000} HTTP/1.1")[0] in (400, 414)
    with connected(client) as one:
        one.sendall(b"GET /things HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            send_on(one)


def test_too_many_headers(client):
    assert raw(client, "GET /things/urn:x:y HTTP/1.1" + "\r\nX: y" * 120)[0] == 404
    assert raw(client, "GET /things/urn:x:y HTTP/1.1" + "\r\nX: y" * 2000)[0] == 400


def test_a_body_in_parts_of_one_byte(client):
    """Each part costs what a large one does: ten seconds for everybody, where all were read."""
    head = f"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TD_JSON}\r\n"
    with connected(client) as one:
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"1\r\n \r\n" * 1100)
        assert read_answer(one)[0] == 400
    assert client.get("/things").status_code == 200


def test_a_body_in_small_parts_is_taken(client):
    text = json.dumps(td(description="x" * 40_000)).encode()
    parts = (text[at : at + 20] for at in range(0, len(text), 20))
    answer = client.post("/things", content=parts, headers={"Content-Type": TD_JSON})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "head",
    ["nonsense", "GET /things HTTP/x", "GET  /things HTTP/1.1", "GET /things HTTP/1.1\r\nNo"],
)
def test_what_is_not_http(client, head):
    status, headers, _ = raw(client, head)
    assert status == 400 and headers["content-type"] == "application/problem+json"


def test_an_upload_that_is_given_up(client):
    with connected(client) as one:
        one.sendall(b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
    assert client.get("/things").status_code == 200


def test_a_mistake_of_ours_is_a_problem_document(service, client, monkeypatch):
    def broken(_identifier: str) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(service.server.config.app.state.registrar, "find", broken)
    answer = client.get("/things/urn:x:y")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


# ---- slowness and counts

QUICK = Limits(header_seconds=0.3, body_seconds=0.3, linger_seconds=0.3)


def test_headers_and_bodies_that_do_not_come(tmp_path):
    with visited(tmp_path / "s", Settings(limits=QUICK)) as (_, client):
        with connected(client) as silent, connected(client) as slow, connected(client) as stuck:
            slow.sendall(b"GET /things HTTP/1.1\r\nHost: local")
            stuck.sendall(
                b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{"
            )
            assert [read_answer(one)[0] for one in (slow, stuck)] == [408, 408]
            assert silent.recv(1) == b"", "closed without a word"
        assert client.get("/things").status_code == 200


def test_who_goes_on_sending_after_a_refusal_is_cut_off(tmp_path):
    with visited(tmp_path / "s", Settings(limits=QUICK)) as (_, client), connected(client) as one:
        one.sendall(
            b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n"
        )
        assert read_answer(one)[0] == 413
        with pytest.raises(ConnectionError):
            send_on(one)


def test_connections_are_counted(tmp_path):
    with contextlib.ExitStack() as parts:
        settings = Settings(limits=Limits(connections=3))
        _, client = parts.enter_context(visited(tmp_path / "s", settings))
        many = [parts.enter_context(connected(client)) for _ in range(3)]
        for one in many:
            one.sendall(b"POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                        b"Expect: 100-continue\r\n\r\n")  # fmt: skip
            assert one.recv(1000).startswith(b"HTTP/1.1 100"), "its request is under way"
        with connected(client) as one_more:
            status, headers, _ = read_answer(one_more)
        assert status == 503 and headers["content-type"] == "application/problem+json"
        many[0].close()
        until(lambda: client.get("/things").status_code == 200)


def test_silent_connections_make_room(tmp_path):
    with contextlib.ExitStack() as parts:
        settings = Settings(limits=Limits(connections=3))
        _, client = parts.enter_context(visited(tmp_path / "s", settings))
        assert client.get("/things").status_code == 200, "it stays connected, and waits longest"
        silent = [parts.enter_context(connected(client)) for _ in range(2)]
        newer = [parts.enter_context(connected(client)) for _ in range(2)]
        assert silent[0].recv(1) == b"", "closed without a word"
        newer[1].sendall(b"GET /things/urn:x:y HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(newer[1])[0] == 404
        assert client.get("/things").status_code == 200, "on a connection of its own again"


def test_one_connection_serves_many_requests(client):
    with connected(client) as one:
        for _ in range(3):
            one.sendall(b"GET /things?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_answer(one, until=b"0\r\n\r\n")[0] == 200


def send_on(one: socket.socket) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        one.sendall(b"x" * 65536)


@contextlib.contextmanager
def connected(client: httpx.Client) -> Iterator[socket.socket]:
    parts = urlsplit(str(client.base_url))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as found:
        yield found


def raw(client: httpx.Client, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Sends bytes as they are; status, headers, body."""
    length = f"\r\nContent-Length: {len(body)}" if body else ""
    with connected(client) as one:
        with contextlib.suppress(OSError):
            one.sendall(f"{head}\r\nHost: localhost{length}\r\n\r\n".encode() + body)
        return read_answer(one)


def read_answer(
    one: socket.socket, until: bytes | None = None
) -> tuple[int, dict[str, str], bytes]:
    found = b""
    while True:
        head, end, body = found.partition(b"\r\n\r\n")
        headers = dict(
            line.lower().split(": ", 1)
            for line in head.decode("latin-1").split("\r\n")[1:]
            if ": " in line
        )
        if end and until is None and len(body) >= int(headers.get("content-length", 0)):
            return int(head.split()[1]), headers, body
        if end and until is not None and body.endswith(until):
            return int(head.split()[1]), headers, body
        part = one.recv(65536)
        assert part, f"closed after {found!r}"
        found += part
