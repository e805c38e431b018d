"""W3C WoT Discovery, 7.3.2.3.3: the assertions on search by SPARQL, by their names."""

from __future__ import annotations

import httpx
import pytest
from directory_service import created, visited

ANYTHING = "select * { ?s ?p ?o }limit 5"
TITLE = "<https://www.w3.org/2019/wot/td#title>"


@pytest.fixture(scope="module")
def client(service):
    with httpx.Client(base_url=service.url, timeout=60) as found:
        created(found)
        yield found


def ask(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    return client.get("/search/sparql", params={"query": query}, headers=headers)


def test_tdd_search_sparql_and_tdd_search_sparql_version(client):
    one = created(client, title="found by its title")
    query = f"SELECT ?thing {{ ?thing {TITLE} ?title FILTER(CONTAINS(?title, 'by its')) }}"
    rows = ask(client, query).json()["results"]["bindings"]
    assert [row["thing"]["value"] for row in rows] == [one["id"]]


def test_tdd_search_sparql_method_get(client):
    answer = ask(client, ANYTHING)
    assert answer.status_code == 200
    found = answer.json()
    assert len(found.pop("results")["bindings"]) == 5
    assert found == {"head": {"vars": ["s", "p", "o"]}}


def test_tdd_search_sparql_method_post(client):
    kind = {"Content-Type": "application/sparql-query"}
    answer = client.post("/search/sparql", content=ANYTHING.encode(), headers=kind)
    assert answer.status_code == 200
    assert answer.json()["head"] == {"vars": ["s", "p", "o"]}


@pytest.mark.parametrize("query", [ANYTHING, "ASK { ?s ?p ?o }"])
def test_tdd_search_sparql_resp_select_ask(client, query):
    assert ask(client, query).headers["content-type"] == "application/json"
    as_json = ask(client, query, Accept="application/json")
    assert as_json.headers["content-type"] == "application/json"
    named = ask(client, query, Accept="application/sparql-results+json, */*;q=0.1")
    assert named.headers["content-type"] == "application/sparql-results+json"


@pytest.mark.parametrize(
    "query",
    [
        f"CONSTRUCT {{ ?s {TITLE} ?o }} WHERE {{ ?s {TITLE} ?o }} LIMIT 3",
        f"DESCRIBE ?s WHERE {{ ?s {TITLE} ?o }} LIMIT 1",
    ],
)
def test_tdd_search_sparql_resp_describe_construct(client, query):
    answer = ask(client, query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.json()
    turtle = ask(client, query, Accept="text/turtle")
    assert turtle.headers["content-type"].startswith("text/turtle")


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "CLEAR ALL",
        "LOAD <file:///etc/passwd>",
        "nonsense",
        "",
    ],
)
def test_tdd_search_sparql_error(client, query):
    answer = ask(client, query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_tdd_search_sparql_federation_is_not_implemented(client):
    """A server that asks others on behalf of strangers would be theirs to aim."""
    query = "SELECT * { SERVICE <https://dbpedia.org/sparql> { ?s ?p ?o } } LIMIT 5"
    assert ask(client, query).status_code == 400


def test_tdd_http_head(client):
    head = client.head("/search/sparql", params={"query": ANYTHING})
    assert (head.status_code, head.content) == (200, b"")


def test_tdd_search_large_tdds(tmp_path):
    """A search gives what was asked for alone, and what has just been registered."""
    with visited(tmp_path / "s") as (_, client):
        for number in range(5):
            created(client, title=f"thing {number}")
            query = f"SELECT ?title {{ ?thing {TITLE} ?title }} ORDER BY DESC(?title) LIMIT 1"
            rows = ask(client, query).json()["results"]["bindings"]
            assert [row["title"]["value"] for row in rows] == [f"thing {number}"]
