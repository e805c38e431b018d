"""Queries over an endpoint: the same gate, answers that are bounded and whole."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pyoxigraph import Literal, RdfFormat, parse
from query_store import check_names_in_rdf_xml, filled, thing
from support.sparql_server import SparqlServer

from tinylearn.registry.query.engine import Graphs
from tinylearn.registry.query.errors import (
    QueryFailedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.open import open_store

WHOLE = b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":{"type":"uri","value":"a:b"}}]}}'
EMPTY = b'{"head":{"vars":["s"]},"results":{"bindings":[]}}'


@pytest.fixture
def service(sparql_server: SparqlServer) -> Iterator[QueryService]:
    sparql_server.update("DROP ALL")
    store = filled(sparql_server.url, 50)
    with QueryService(store, Limits(rows=40, answer_bytes=5000)) as opened:
        yield opened
    store.close()


def test_what_rdf_xml_cannot_say_is_refused(service):
    check_names_in_rdf_xml(service)


def test_answers(service):
    query = "SELECT ?s ?o { ?s <urn:size> ?o FILTER (?o < 2) } ORDER BY ?o"
    answer = service.ask(query, accept="text/csv")
    assert list(csv.reader(io.StringIO(answer.body.decode())))[1:] == [
        ["urn:thing:0", "0"],
        ["urn:thing:1", "1"],
    ]
    assert json.loads(service.ask("ASK { ?s ?p 49 }").body)["boolean"] is True
    assert b"<boolean>false" in service.ask("ASK { ?s ?p 50 }", accept="application/xml").body
    found = parse(service.ask("CONSTRUCT WHERE { <urn:thing:3> ?p ?o }").body, RdfFormat.TURTLE)
    assert {quad.object.value for quad in found} == {"3", "urn:thing:4"}
    assert json.loads(service.ask("SELECT ?o { ?s <urn:size> ?o }", {"s": thing(7)}).body)[
        "results"]["bindings"][0]["o"]["value"] == "7"  # fmt: skip


@pytest.mark.parametrize("text", ['" } # ', "\\", "a\nb'''"])
def test_values_stay_values(service, text):
    answer = service.ask("SELECT ?v { BIND (?x AS ?v) } LIMIT 1", {"x": Literal(text)})
    assert json.loads(answer.body)["results"]["bindings"][0]["v"]["value"] == text


def test_the_gate_is_the_same(service):
    for query in (
        "SELECT * { SERVICE <http://a.example/> {} }",
        "DROP ALL",
        "SELECT * " + "{" * 9999,
    ):
        with pytest.raises(QueryRefusedError):
            service.ask(query)
    with pytest.raises(QueryRefusedError, match="graphs cannot be chosen"):
        service.ask("ASK {}", graphs=Graphs(default=(thing(1),)))


def test_answers_are_bounded(service):
    with pytest.raises(QueryTooLargeError, match="5,000 B"):
        service.ask("SELECT * { ?a ?b ?c . ?d ?e ?f }")
    with pytest.raises(QueryTooLargeError, match="more than 40 rows"):
        service.ask("SELECT ?s { ?s <urn:size> ?o }")
    with pytest.raises(QueryTooLargeError, match="more than 40 triples"):
        service.ask("CONSTRUCT { <a:b> <a:b> ?o } WHERE { ?s <urn:size> ?o }")


def test_says_what_the_endpoint_refuses(service):
    with pytest.raises(QueryFailedError, match="answers 400"):
        service.ask("SELECT ?x (COUNT(?y) AS ?x) { ?x ?y ?z }")


@contextmanager
def answering(body: bytes, waits: threading.Event | None = None) -> Iterator[str]:
    """A server that says this to every query but that of the store's opening, or nothing at all."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            opening = b"hostile" not in asked
            if waits is not None and not opening:
                waits.wait(60)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(EMPTY if opening else body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if waits is not None:
            waits.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("accept", ["application/sparql-results+json", "text/csv"])
@pytest.mark.parametrize("cut", [0, 1, 20, 40, len(WHOLE) - 1])
def test_an_answer_that_is_cut_off_is_none(cut, accept):
    failing = pytest.raises(QueryFailedError, match="cut off")
    with answering(WHOLE[:cut]) as url, QueryService(open_store(url)) as service, failing:
        service.ask("SELECT ?s { ?s ?p 'hostile' }", accept=accept)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"boolean": 3}', b"[" * 50, b"\xff"])
def test_an_answer_of_another_kind_is_none(body):
    with answering(body) as url, QueryService(open_store(url)) as service:
        for query in ("SELECT ?s { ?s ?p 'hostile' }", "CONSTRUCT WHERE { ?s ?p 'hostile' }"):
            with pytest.raises(QueryFailedError, match="cut off"):
                service.ask(query)


NESTED = b'{"type":"triple","value":{"predicate":{"type":"uri","value":"a:b"},"object":'


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("SELECT ?s { ?s ?p 'hostile' }", WHOLE[:44] + NESTED * 100_000),
        ("CONSTRUCT WHERE { ?s ?p 'hostile' }", b"<a:b> <a:b> " + b"<<( <a:b> <a:b> " * 100_000),
    ],
)
def test_an_answer_without_measure_is_none(query, body):
    failing = pytest.raises(QueryFailedError, match="its answer, line 1: is nested more than 64")
    with answering(body) as url, QueryService(open_store(url)) as service, failing:
        service.ask(query)


def test_a_whole_answer_is_taken():
    with answering(WHOLE) as url, QueryService(open_store(url)) as service:
        assert service.ask("SELECT ?s { ?s ?p 'hostile' }").body == WHOLE


def test_one_that_does_not_answer_is_left():
    with answering(WHOLE, threading.Event()) as url:
        service = QueryService(open_store(url), Limits(seconds=0.3))
        with service, pytest.raises(QueryTimeoutError, match=r"within 0\.3 s"):
            service.ask("SELECT ?s { ?s ?p 'hostile' }")
