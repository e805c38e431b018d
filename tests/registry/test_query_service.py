"""Queries in workers: what they answer, and what becomes of those that would never end."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, parse
from query_store import COUNT, SIZE, check_names_in_rdf_xml, filled, graph, thing

from tinylearn.errors import BadInputError
from tinylearn.registry.query import process
from tinylearn.registry.query.engine import Graphs
from tinylearn.registry.query.errors import (
    NoSuchFormatError,
    QueryBusyError,
    QueryFailedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.query.turns import Turns
from tinylearn.registry.store.base import GraphStore

#: an attacker's patience is longer than a test's: what ends is ended by us
TIGHT = Limits(seconds=0.7, memory_bytes=192 << 20, answer_bytes=4 << 20, workers=2)
CROSS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    opened = filled(tmp_path_factory.mktemp("query") / "registry")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def service(store: GraphStore) -> Iterator[QueryService]:
    with QueryService(store, Limits(workers=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def tight(store: GraphStore) -> Iterator[QueryService]:
    with QueryService(store, TIGHT) as opened:
        yield opened


def rows(service: QueryService, query: str, **more: object) -> list[dict[str, str]]:
    answer = service.ask(query, accept="text/csv", **more)  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(answer.body.decode())))


def test_what_rdf_xml_cannot_say_is_refused(service):
    check_names_in_rdf_xml(service)


def test_answers_rows_in_each_format(service):
    query = "SELECT ?s ?o { ?s <urn:size> ?o FILTER (?o < 2) } ORDER BY ?o"
    assert rows(service, query) == [{"s": "urn:thing:0", "o": "0"}, {"s": "urn:thing:1", "o": "1"}]
    answer = service.ask(query)
    assert answer.content_type == "application/sparql-results+json"
    found = json.loads(answer.body)["results"]["bindings"]
    assert [row["o"]["value"] for row in found] == ["0", "1"]
    commas = 'SELECT ?a ?b { VALUES (?a ?b) { (<tag:x.example,2024:a> "b") (1 UNDEF) } }'
    assert rows(service, commas) == [{"a": "tag:x.example,2024:a", "b": "b"}, {"a": "1", "b": ""}]
    tsv = service.ask(query, accept="text/tab-separated-values").body.decode()
    assert tsv == "?s\t?o\n<urn:thing:0>\t0\n<urn:thing:1>\t1\n"
    xml = service.ask(query, accept="application/sparql-results+xml").body
    assert xml.count(b"<result>") == 2 and b"<uri>urn:thing:1</uri>" in xml


def test_answers_yes_and_no(service):
    assert json.loads(service.ask("ASK { ?s <urn:size> 999 }").body)["boolean"] is True
    assert json.loads(service.ask("ASK { ?s <urn:size> -1 }").body)["boolean"] is False
    assert b"<boolean>true</boolean>" in service.ask("ASK {}", accept="application/xml").body


@pytest.mark.parametrize("kind", ["TURTLE", "N_TRIPLES", "TRIG", "N_QUADS", "JSON_LD", "RDF_XML"])
def test_answers_triples_in_each_format(service, kind):
    format = getattr(RdfFormat, kind)
    query = "CONSTRUCT { ?s <urn:is> ?o } WHERE { ?s <urn:size> ?o FILTER (?o < 3) }"
    answer = service.ask(query, accept=format.media_type)
    assert answer.content_type.startswith(format.media_type)
    found = {(quad.subject, quad.object.value) for quad in parse(answer.body, format)}
    assert found == {(thing(number), str(number)) for number in range(3)}


def test_describes(service):
    found = parse(service.ask("DESCRIBE <urn:thing:7>").body, RdfFormat.TURTLE)
    assert {quad.triple for quad in found} >= set(graph(7))


def test_a_format_that_is_not_there(service):
    with pytest.raises(NoSuchFormatError, match="rows, there as application/sparql-results"):
        service.ask("SELECT * {}", accept="text/turtle")
    with pytest.raises(NoSuchFormatError, match="triples, there as text/turtle"):
        service.ask("DESCRIBE <a:b>", accept="text/csv")


def test_values_are_bound(service):
    query = "SELECT ?o { ?s <urn:size> ?o }"
    assert rows(service, query, values={"s": thing(5)}) == [{"o": "5"}]
    assert rows(service, query, values={"s": thing(5), "o": Literal(6)}) == []
    ask = "CONSTRUCT { ?s <urn:is> ?o } WHERE { ?s <urn:size> ?o }"
    assert b"urn:is" in service.ask(ask, {"s": thing(5)}).body


INJECTED = '" } INSERT DATA { <a:b> <a:c> 1 } SELECT * { ?s ?p "'


@pytest.mark.parametrize(
    "text", [INJECTED, "\\", '\\"', "a\nb\r'''\"\"\"", "?o", "} #", "<a:b>", "\t\0 é\U0001f600"]
)
def test_values_stay_values(service, text):
    query = "SELECT ?given { ?s <urn:size> 1 BIND (?value AS ?given) }"
    found = json.loads(service.ask(query, {"value": Literal(text)}).body)["results"]["bindings"]
    assert [row["given"]["value"] for row in found] == [text]


def test_values_that_cannot_be_bound(service):
    with pytest.raises(BadInputError, match=r"x: the query has no variable \?x"):
        service.ask("SELECT * { ?s ?p ?o }", {"x": Literal(1)})
    with pytest.raises(BadInputError, match=r"this query does not have"):
        service.ask("CONSTRUCT WHERE { ?s ?p ?o }", {"s": thing(1)})
    with pytest.raises(BadInputError, match="escape of a code point"):
        service.ask("SELECT * { ?s ?p ?o }", {"o": Literal("\\u0022")})


def test_graphs_are_chosen(service):
    everything = "SELECT ?s { { ?s <urn:size> ?o } UNION { GRAPH ?g { ?s <urn:size> ?o } } }"
    assert len(rows(service, everything)) == 2 * COUNT
    graphs = Graphs(default=(thing(1), thing(2)))
    assert {row["s"] for row in rows(service, everything, graphs=graphs)} == {
        "urn:thing:1",
        "urn:thing:2",
    }
    assert rows(service, everything, graphs=Graphs(named=(thing(3),))) == [{"s": "urn:thing:3"}]


def test_knows_what_was_written_before(tmp_path):
    store = filled(tmp_path / "registry", 3)
    with QueryService(store, Limits(workers=2)) as service:
        for number in range(3, 9):
            store.upsert({thing(number): graph(number)})
            assert len(rows(service, "SELECT * { ?s <urn:size> ?o }")) == number + 1
    store.close()


def test_says_what_the_engine_refuses(service):
    with pytest.raises(QueryRefusedError, match="the query is not valid"):
        service.ask("SELECT ?x (COUNT(?y) AS ?x) { ?x ?y ?z }")
    with pytest.raises(QueryRefusedError, match="is not supported"):
        service.ask("SELECT * { ?x ?y ?z FILTER <urn:function>(?x) }")
    assert json.loads(service.ask("ASK {}").body)["boolean"]


ENDLESS = {
    "cross product": CROSS,
    "sorted cross product": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?c ?f ?i",
    "grouped cross product": "SELECT ?a ?d (GROUP_CONCAT(STR(?i)) AS ?t) "
    "{ ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } GROUP BY ?a ?d",
    "distinct cross product": "SELECT DISTINCT ?a ?d ?i { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "construct of a cross product": "CONSTRUCT { ?a ?e ?i . ?d ?h ?c } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "many rows": "SELECT * { ?a ?b ?c . ?d ?e ?f }",
    "doubled string": "SELECT (STRLEN(?x40) AS ?n) { BIND ('abcdefgh' AS ?x0) "
    + " ".join(f"BIND (CONCAT(?x{i}, ?x{i}) AS ?x{i + 1})" for i in range(40)) + " }",
    "paths": "SELECT * { ?a (<urn:next>|^<urn:next>|!<urn:no>)+ ?b . ?b (<urn:next>/^<urn:next>*)* ?c } ORDER BY ?c",
    "large regular expressions": "SELECT * { ?s ?p ?o FILTER REGEX(CONCAT(STR(?s), '!'), '((a{90}){90}){90}') }",
    "hashes": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER (SHA512(CONCAT(STR(?a), STR(?d), STR(?g))) = '') }",
    "product of values": "SELECT * { " + " ".join(
        f"VALUES ?v{i} {{ {' '.join(map(str, range(100)))} }}" for i in range(30)) + " } ORDER BY ?v3",
    "optional cross products": "SELECT * { " + " ".join(
        f"OPTIONAL {{ ?a{i} ?b{i} ?c{i} }}" for i in range(20)) + " } ORDER BY ?c3",
    "unions of joins": "SELECT * { " + " ".join(
        f"{{ ?a{i} ?b{i} ?c{i} }} UNION {{ ?c{i} ?b{i} ?a{i} }}" for i in range(12)) + " } ORDER BY ?c3",
    "patterns to order": "SELECT * { GRAPH ?g { " + " ".join(f"?s ?p{i} ?o{i} ." for i in range(100)) + " } }",
    "graphs to order": "SELECT * { " + " ".join(f"GRAPH ?g{i} {{ ?s ?p ?o{i} }}" for i in range(60)) + " }",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_ends_what_would_not_end(tight, name):
    with pytest.raises((QueryTimeoutError, QueryTooLargeError)):
        tight.ask(ENDLESS[name])
    assert rows(tight, "SELECT ?o { <urn:thing:4> <urn:size> ?o }") == [{"o": "4"}]


def test_a_catastrophic_regular_expression_is_none(tight):
    query = "SELECT * { ?s <urn:size> 1 FILTER REGEX(CONCAT(STR(?s), ?a), '^([a-z:0-9]+)+$') }"
    assert rows(tight, query, values={"a": Literal("a" * 5000 + "!")}) == []


def test_memory_is_bounded(store):
    with QueryService(store, replace(TIGHT, seconds=60, workers=1)) as service:
        with pytest.raises(QueryTooLargeError, match="it took more than 192 MiB"):
            service.ask(ENDLESS["doubled string"])
        assert json.loads(service.ask("ASK {}").body)["boolean"]


def test_answers_are_bounded(store):
    limits = replace(TIGHT, rows=500, workers=1, seconds=20)
    with QueryService(store, limits) as service:
        with pytest.raises(QueryTooLargeError, match="more than 500 rows"):
            service.ask("SELECT ?s { ?s <urn:size> ?o }")
        with pytest.raises(QueryTooLargeError, match="more than 500 triples"):
            service.ask("CONSTRUCT WHERE { ?s <urn:size> ?o }")
        assert len(rows(service, "SELECT ?s { ?s <urn:size> ?o } LIMIT 500")) == 500
    with QueryService(store, replace(limits, answer_bytes=1000)) as service:
        with pytest.raises(QueryTooLargeError, match="more than 1,000 bytes"):
            service.ask("SELECT ?s { ?s <urn:size> ?o } LIMIT 100")
        with pytest.raises(QueryTooLargeError, match="more than 1,000 bytes"):
            service.ask("CONSTRUCT WHERE { ?s <urn:size> ?o } LIMIT 100")


def test_others_take_the_place_of_what_runs_long(store):
    """All workers are busy with queries that have an hour; who comes later is answered nevertheless."""
    limits = Limits(seconds=3600, memory_bytes=192 << 20, workers=2, patience=0.2)
    with QueryService(store, limits) as service, ThreadPoolExecutor(4) as others:
        hostile = [others.submit(service.ask, CROSS) for _ in range(4)]
        for number in range(4):
            found = rows(service, "SELECT ?o { ?s <urn:size> ?o }", values={"s": thing(number)})
            assert found == [{"o": str(number)}]
        service.close()
        for ended in hostile:
            assert isinstance(
                ended.exception(60), (QueryTimeoutError, QueryBusyError, QueryFailedError)
            )


def test_not_more_wait_than_may(store):
    limits = Limits(seconds=3600, workers=1, spare=0, waiting=0)
    with QueryService(store, limits) as service, ThreadPoolExecutor(1) as other:
        asked = other.submit(service.ask, CROSS)
        while not service._engine._pool._busy:  # type: ignore[attr-defined]
            assert not asked.done()
        with pytest.raises(QueryBusyError, match="try again later"):
            service.ask("ASK {}")
        service.close()
        assert isinstance(asked.exception(60), QueryTimeoutError)


def test_the_last_one_is_served_first():
    turns, served = Turns(1, 3), list[int]()
    turns.take(60, 60, pytest.fail)

    def take(number: int) -> None:
        turns.take(60, 60, pytest.fail)
        served.append(number)
        turns.give_back()

    with ThreadPoolExecutor(3) as others:
        for number in range(3):
            others.submit(take, number)
            while len(turns._waiting) <= number:
                pass
        with pytest.raises(QueryBusyError, match="3 queries are waiting"):
            turns.take(60, 60, pytest.fail)
        turns.give_back()
    assert served == [2, 1, 0]
    told: list[int] = []
    turns.take(60, 60, pytest.fail)
    with pytest.raises(QueryBusyError, match="too many queries are running"):
        turns.take(0.001, 0.02, lambda: told.append(1))
    assert told


def test_a_worker_that_dies_is_replaced(store):
    limits = Limits(workers=1, spare=0, seconds=3600)
    with QueryService(store, limits) as service, ThreadPoolExecutor(1) as other:
        service.ask("ASK {}")
        pool = service._engine._pool  # type: ignore[attr-defined]
        asked = other.submit(service.ask, CROSS)
        while not pool._busy:
            assert not asked.done()
        os.kill(next(iter(pool._busy)).pid, signal.SIGKILL)
        assert isinstance(asked.exception(60), QueryFailedError)
        assert json.loads(service.ask("ASK {}").body)["boolean"]


def test_says_that_no_worker_can_be_started(store, monkeypatch):
    monkeypatch.setattr(process.sys, "executable", "/nowhere/python")
    with QueryService(store, Limits(workers=1, spare=0)) as service:
        for _ in range(2):
            with pytest.raises(QueryFailedError, match="no worker can be started"):
                service.ask("ASK {}")


def test_says_why_a_worker_has_ended(store, monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(broken))
    failing = pytest.raises(QueryFailedError, match=r"worker ended \(3\).*no such luck")
    with QueryService(store, Limits(workers=1, spare=0)) as service, failing:
        service.ask("ASK {}")


def test_is_the_name_of_a_literal_with_a_type(service):
    answer = service.ask("SELECT ?o { ?s ?size ?o FILTER (?o = 5) }", {"size": SIZE})
    found = json.loads(answer.body)["results"]["bindings"][0]["o"]
    assert NamedNode(found["datatype"]).value.endswith("integer")
