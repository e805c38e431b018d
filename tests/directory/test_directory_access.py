"""Who may do what: tokens, hosts, pages from elsewhere; and where it may listen."""

from __future__ import annotations

import httpx
import pytest
from directory_service import TD_JSON, created, new_id, put, td, visited

from tinylearn.directory.auth import read_tokens
from tinylearn.directory.settings import Settings
from tinylearn.errors import BadInputError, UsageError

TOLD = {"Authorization": "Bearer one-token"}


def post(client: httpx.Client, **headers: str) -> httpx.Response:
    return client.post("/things", json=td(), headers={"Content-Type": TD_JSON, **headers})


def test_writing_needs_one_of_the_tokens(tmp_path):
    settings = Settings(tokens=("one-token", "two"))
    with visited(tmp_path / "s", settings) as (_, client):
        assert post(client).status_code == 401
        for wrong in ("Bearer", "Bearer one", "Bearer one-token2", "Basic one-token",
                      "Bearer one-token two", "Bearer \xe9", "one-token"):  # fmt: skip
            answer = post(client, Authorization=wrong.encode("latin-1"))
            assert answer.status_code == 401, wrong
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer ")
        for right in ("Bearer one-token", "bearer two", "BEARER  two"):
            assert post(client, Authorization=right).status_code == 201, right
        assert len(client.get("/things").json()) == 3, "reading is open"


def test_reading_can_need_one_too(tmp_path):
    settings = Settings(tokens=("one-token",), read="token")
    with visited(tmp_path / "s", settings) as (_, client):
        for path in (
            "/things",
            "/things/urn:x:y",
            "/events",
            "/search/jsonpath?query=$",
            "/nothing",
        ):
            assert client.get(path).status_code == 401, path
        assert client.post("/search/sparql", content=b"ASK {}").status_code == 401
        assert client.get("/things", headers=TOLD).status_code == 200


def test_a_token_in_the_address_is_none(tmp_path):
    with visited(tmp_path / "s", Settings(tokens=("one-token",))) as (_, client):
        answer = client.post("/things?access_token=one-token", json=td())
        assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_without_tokens_only_this_machine_is_served(client, host):
    """A page of a stranger, whose name points here, would be of the same origin (DNS rebinding)."""
    for answer in (
        client.get("/things", headers={"Host": host}),
        client.get("/.well-known/wot", headers={"Host": host}),
    ):
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:99", "127.0.0.1:1", "[::1]:80", "127.9.9.9"]
)
def test_names_of_this_machine(client, host):
    assert client.get("/things", headers={"Host": host}).status_code == 200


def test_a_page_from_elsewhere_changes_nothing(client):
    """A browser sends a POST without Content-Type for any page, and does not ask before."""
    body = httpx.Request("POST", "x:", json=td()).content
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = client.post("/things", content=body, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    own = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/things", content=body, headers=own).status_code == 201
    one = created(client)
    for method in ("PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"/things/{one['id']}", headers={"Origin": "null"})
        assert answer.status_code == 403


def test_behind_a_proxy_of_ones_own(tmp_path):
    base = "https://hub.example.org"
    with visited(tmp_path / "s", Settings(base=base)) as (_, client):
        own = {"Host": "hub.example.org", "Origin": base}
        assert post(client, **own).status_code == 201
        assert client.get("/.well-known/wot", headers=own).json()["base"] == base
        assert client.get("/things", headers={"Host": "evil.example.org"}).status_code == 403


def test_cors_is_off_by_default(client):
    answer = client.get("/things", headers={"Origin": "https://page.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = client.options(
        "/things",
        headers={"Origin": "https://page.example", "Access-Control-Request-Method": "POST"},
    )
    assert not [name for name in asked.headers if name.startswith("access-control")]


def test_cors_for_those_who_are_named(tmp_path):
    page = "https://page.example"
    settings = Settings(origins=(page,), tokens=("one-token",))
    with visited(tmp_path / "s", settings) as (_, client):
        asking = {"Access-Control-Request-Method": "PATCH",
                  "Access-Control-Request-Headers": "authorization, content-type, if-match"}  # fmt: skip
        asked = client.options("/things/urn:x:y", headers={"Origin": page, **asking})
        assert asked.status_code == 200, "before a token is sent"
        assert asked.headers["access-control-allow-origin"] == page
        assert "PATCH" in asked.headers["access-control-allow-methods"]
        other = client.options("/things", headers={"Origin": "https://evil.example", **asking})
        assert "access-control-allow-origin" not in other.headers
        answer = post(client, Origin=page, **TOLD)
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == page
        assert "Location" in answer.headers["access-control-expose-headers"]
        refused = post(client, Origin=page)
        assert refused.status_code == 401 and refused.headers["access-control-allow-origin"] == page


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(host="0.0.0.0"), "--token-file"),
        (Settings(host="::"), "--token-file"),
        (Settings(host="192.168.1.2"), "--token-file"),
        (Settings(host="hub.example"), "--token-file"),
        (Settings(read="token"), "--token-file"),
        (Settings(read="nobody"), "nobody"),
        (Settings(origins=("example.org",)), "--cors"),
        (Settings(origins=("https://example.org/page",)), "--cors"),
        (Settings(base="hub.example.org"), "--base"),
        (Settings(base="https://hub.example.org/path"), "--base"),
    ],
)
def test_settings_that_would_be_open_or_make_no_sense(settings, says):
    with pytest.raises(UsageError, match=says):
        settings.check()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_settings_for_this_machine(host):
    Settings(host=host).check()
    Settings(host="0.0.0.0", tokens=("t",)).check()


def test_tokens_from_a_file(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# who may write\n\n  first \nsecond\n")
    assert read_tokens(file) == ("first", "second")


@pytest.mark.parametrize(
    "content", [b"", b"# none\n\n", b"two words\n", b"caf\xc3\xa9\n", b"a\x00b\n"]
)
def test_files_without_usable_tokens(tmp_path, content):
    file = tmp_path / "tokens"
    file.write_bytes(content)
    with pytest.raises(BadInputError, match=str(file)):
        read_tokens(file)
    with pytest.raises(BadInputError, match="missing"):
        read_tokens(tmp_path / "missing")


def test_put_is_refused_before_its_body_is_read(tmp_path):
    with visited(tmp_path / "s", Settings(tokens=("one-token",))) as (_, client):
        assert put(client, td(new_id(), description="x" * 500_000)).status_code == 401
        assert client.get("/things").json() == []
