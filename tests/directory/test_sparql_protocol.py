"""The SPARQL 1.1 Protocol as a client meets it, and what strangers try through it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from directory_service import created, served

from tinylearn.directory.asking import Asking
from tinylearn.directory.settings import Limits as HttpLimits
from tinylearn.directory.settings import Settings
from tinylearn.directory.sparql import Sparql
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.base import GraphStore

FORM, QUERY = "application/x-www-form-urlencoded", "application/sparql-query"
TITLES = "SELECT ?title { ?thing <https://www.w3.org/2019/wot/td#title> ?title }"
CROSS = "SELECT (COUNT(*) AS ?n) {" + " ".join(f"?a{i} ?b{i} ?c{i} ." for i in range(12)) + "}"


@contextmanager
def asked(folder: Path, limits: Limits, http: HttpLimits | None = None) -> Iterator[httpx.Client]:
    """A service with one thing in it, and these limits."""
    settings = Settings(limits=http or HttpLimits())

    def routes(store: GraphStore) -> list:
        service = QueryService(store, limits)
        services.append(service)
        return Sparql(Asking(service), settings.limits).routes()

    services: list[QueryService] = []
    with served(folder / "store", settings, routes) as found:
        try:
            with httpx.Client(base_url=found.url, timeout=20) as client:
                created(client, title="one")
                yield client
        finally:
            services[0].close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with asked(tmp_path_factory.mktemp("sparql"), Limits(seconds=20, workers=2, rows=60)) as found:
        yield found


def post(client: httpx.Client, body: str | bytes, kind: str, **headers: str) -> httpx.Response:
    return client.post("/search/sparql", content=body, headers={"Content-Type": kind, **headers})


def test_a_query_by_each_way(client):
    answers = [
        client.get("/search/sparql", params={"query": TITLES}),
        client.post("/search/sparql", data={"query": TITLES}),
        post(client, TITLES, QUERY),
        post(client, TITLES, QUERY + "; charset=UTF-8"),
        post(client, TITLES, "Application/SPARQL-Query"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/sparql-results+json"
        assert [row["title"]["value"] for row in answer.json()["results"]["bindings"]] == ["one"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/sparql-results+json"),
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("text/csv;q=0.9, application/sparql-results+xml;q=0.2", "text/csv; charset=utf-8"),
        ("text/tab-separated-values", "text/tab-separated-values; charset=utf-8"),
    ],
)
def test_rows_as_the_client_likes(client, accept, kind):
    answer = client.get("/search/sparql", params={"query": TITLES}, headers={"Accept": accept})
    assert answer.headers["content-type"] == kind and "one" in answer.text
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/turtle; charset=utf-8"),
        ("application/n-triples", "application/n-triples; charset=utf-8"),
        ("application/trig", "application/trig; charset=utf-8"),
        ("application/ld+json", "application/ld+json"),
    ],
)
def test_triples_as_the_client_likes(client, accept, kind):
    query = "CONSTRUCT { <urn:x> <urn:says> ?title } WHERE { ?x <https://www.w3.org/2019/wot/td#title> ?title }"
    answer = client.get("/search/sparql", params={"query": query}, headers={"Accept": accept})
    assert answer.headers["content-type"] == kind and "one" in answer.text


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_not_acceptable(client):
    said = problem(
        client.get("/search/sparql", params={"query": TITLES}, headers={"Accept": "image/png"}), 406
    )
    assert "text/csv" in said


def test_media_types_of_bodies(client):
    answer = post(client, TITLES, "text/plain")
    problem(answer, 415)
    assert QUERY in answer.headers["accept-post"]
    problem(post(client, TITLES, QUERY, **{"Content-Encoding": "gzip"}), 415)
    problem(post(client, TITLES, QUERY + "; charset=utf-16"), 415)
    problem(client.post("/search/sparql"), 415)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ("", "one parameter query, not 0"),
        ("query=ASK+%7B%7D&query=ASK+%7B%7D", "one parameter query, not 2"),
        ("query=ASK+%7B%7D&default-graph-uri=not+an+iri", "default-graph-uri: not an IRI"),
        ("query=%FF", "not UTF-8"),
        ("query=", "the query ends too early"),
        ("&".join(["a=b"] * 2000), "more than 1,000 parameters"),
    ],
)
def test_parameters_that_make_no_sense(client, parameters, why):
    assert why in problem(client.get(f"/search/sparql?{parameters}"), 400)
    assert why in problem(post(client, parameters, FORM), 400)


def test_graphs_are_chosen(client):
    everything = "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"

    def graphs(**parameters: object) -> list[str]:
        asked_for = {"query": everything, **parameters}
        answer = client.get("/search/sparql", params=asked_for, headers={"Accept": "text/csv"})
        assert answer.status_code == 200, answer.text
        return [row["g"] for row in csv.DictReader(io.StringIO(answer.text))]

    one = next(name for name in graphs() if name.startswith("urn:uuid:"))
    assert graphs(**{"named-graph-uri": [one, "urn:none"]}) == [one]
    assert graphs(**{"default-graph-uri": one}) == []
    answer = client.get("/search/sparql", params={"query": TITLES, "default-graph-uri": "urn:none"})
    assert answer.json()["results"]["bindings"] == []


UPDATE = "INSERT DATA { <urn:a> <urn:b> <urn:c> }"


def test_updates_are_refused(client):
    assert "only reads" in problem(post(client, UPDATE, "application/sparql-update"), 403)
    assert "only reads" in problem(client.post("/search/sparql", data={"update": UPDATE}), 403)
    assert "only reads" in problem(
        client.get("/search/sparql", params={"query": "ASK {}", "update": UPDATE}), 403
    )
    assert "it changes nothing" in problem(post(client, UPDATE, QUERY), 400)
    assert "it changes nothing" in problem(
        client.get("/search/sparql", params={"query": f"ASK {{}} ; {UPDATE}"}), 400
    )
    found = client.get("/search/sparql", params={"query": "ASK { <urn:a> ?p ?o }"})
    assert found.json()["boolean"] is False
    problem(client.put("/search/sparql", content=UPDATE), 405)


HOSTILE = {
    "nested brackets": ("ASK " + "{" * 10_000 + "}" * 10_000, 400),
    "SERVICE": ("ASK { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", 400),
    "FROM": ("ASK FROM <file:///etc/passwd> { ?s ?p ?o }", 400),
    "LOAD": ("LOAD <http://127.0.0.1:9/>", 400),
    "a million values": ("ASK { VALUES ?x { " + "1 " * 500_000 + "} }", 413),
    "too many rows": ("SELECT * { ?a ?b ?c . ?d ?e ?f }", 400),
    "what the engine refuses": ("SELECT ?x (COUNT(?y) AS ?x) { ?x ?y ?z }", 400),
    "catastrophic regular expression": (
        "ASK { BIND ('" + "a" * 5000 + "!' AS ?x) FILTER REGEX(?x, '^(a+)+$') }", 200),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_queries(client, name):
    query, status = HOSTILE[name]
    assert post(client, query, QUERY).status_code == status
    assert post(client, "ASK {}", QUERY).json()["boolean"] is True


def test_large_bodies_are_refused(client):
    body = b"query=" + b"x" * (3 << 20)
    assert "the body has more than" in problem(post(client, body, FORM), 413)


def test_deprecated_namespaces_are_noted(client):
    query = "ASK { ?s a <http://tinyml-schema.org/sosa_extend/Camera> }"
    answer = client.get("/search/sparql", params={"query": query})
    assert answer.headers["tinylearn-note"].startswith(
        "<http://tinyml-schema.org/sosa_extend/> is deprecated"
    )


def test_takes_too_long(tmp_path):
    with asked(tmp_path, Limits(seconds=0.3, workers=1)) as client:
        assert "0.3 s" in problem(post(client, CROSS, QUERY), 504)
        assert post(client, "ASK {}", QUERY).status_code == 200


def test_others_are_answered_while_all_workers_are_busy(tmp_path):
    limits = Limits(seconds=4, workers=2, patience=0.2, waiting=3)
    with asked(tmp_path, limits) as client, ThreadPoolExecutor(4) as others:
        hostile = [others.submit(post, client, CROSS, QUERY) for _ in range(4)]
        for _ in range(4):
            assert post(client, TITLES, QUERY).status_code in (200, 503)
            assert client.get("/things").status_code == 200
        for answer in hostile:
            assert answer.result(60).status_code in (503, 504)
        assert post(client, TITLES, QUERY).status_code == 200
