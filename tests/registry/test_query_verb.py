"""`tinylearn registry query`, and the published queries as shipped."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse
from query_store import filled
from support import shared

from tinylearn.cli.main import main
from tinylearn.registry.importing.files import found
from tinylearn.registry.importing.importer import Importer
from tinylearn.registry.query import named
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.query.table import table
from tinylearn.registry.store.open import open_store

SIZES = "SELECT ?s ?o { ?s <urn:size> ?o } ORDER BY ?o LIMIT 2"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verb") / "registry"
    filled(folder, 1500).close()
    return folder


@pytest.fixture
def query(place: Path, capsys: pytest.CaptureFixture[str]):
    def ask(*words: object, code: int = 0) -> str:
        assert main(["registry", "--store", str(place), "query", *map(str, words)]) == code
        captured = capsys.readouterr()
        assert (captured.err == "") == (code == 0), captured.err
        return captured.err if code else captured.out

    return ask


def test_a_table_for_people(query):
    assert query("-e", SIZES).splitlines() == ["s            o", "urn:thing:0  0", "urn:thing:1  1"]
    large = "SELECT ?o { <urn:thing:1234> <urn:size> ?o }"
    assert query("-e", large).splitlines() == ["    o", "1,234"]
    assert query("-e", "ASK {}") == "yes\n"
    assert query("-e", "SELECT ?x ?y { ?x ?y 'none' }") == "x  y\n"


def test_formats(query, tmp_path):
    file = tmp_path / "sizes.rq"
    file.write_text(SIZES)
    assert list(csv.reader(io.StringIO(query(file, "--format", "csv"))))[1:] == [
        ["urn:thing:0", "0"], ["urn:thing:1", "1"]]  # fmt: skip
    for words in (("--json",), ("--format", "json"), ("--json", "--format", "csv")):
        assert len(json.loads(query(file, *words))["results"]["bindings"]) == 2
    assert query(file, "--format", "xml").startswith("<?xml")
    triples = ("-e", "CONSTRUCT WHERE { <urn:thing:3> ?p ?o }")
    for words, format in (((), RdfFormat.TURTLE), (("--format", "trig"), RdfFormat.TRIG),
                          (("--json",), RdfFormat.JSON_LD)):  # fmt: skip
        assert len(list(parse(query(*triples, *words), format))) == 2


def test_names_and_parameters(query):
    listed = query()
    assert (
        all(name in listed for name in named.names())
        and "mode=inference|learning (inference)" in listed
    )
    assert [entry["name"] for entry in json.loads(query("--json"))] == named.names()
    assert "urn:next" in query("device", "--param", "device=urn:thing:3")
    by_value = ("-e", "SELECT ?o { ?s <urn:size> ?o }", "--param")
    assert query(*by_value, "s=urn:thing:9").split() == ["o", "9"]
    assert query(*by_value, "o=7").split() == ["o", "7"]


WRONG = [
    (("nothing",), "nothing: no such file, and no query of that name; there are device"),
    (("sensors", "-e", "ASK {}"), "give one query"),
    (("device",), "parameter device (the device) is missing"),
    (("device", "--param", "device"), "give it as name=value"),
    (("device", "--param", "device=urn:a", "--param", "device=urn:b"), "is there more than once"),
    (("device", "--param", "device=no iri"), "no iri: no device of that title, IRI"),
    (("-e", "DROP ALL"), "line 1, column 1: DROP is not allowed"),
    (("-e", "ASK {}", "--param", "x=1"), "the query has no variable ?x"),
    (("-e", "ASK {}", "--format", "turtle"), "the answer is rows, there as json"),
    (("-e", "DESCRIBE <a:b>", "--format", "csv"), "the answer is triples, there as turtle"),
    (("-e", "SELECT (1 AS ?x) (2 AS ?x) {}"), "the query is not valid"),
]


@pytest.mark.parametrize(("words", "why"), WRONG)
def test_mistakes(query, words, why):
    said = query(*words, code=2)
    assert why in said and said.startswith("tinylearn registry query: ") and said.count("\n") == 1


def test_what_takes_too_long(query):
    cross = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    assert "more than 0.2 s" in query("-e", cross, "--seconds", "0.2", code=1)


def test_a_file_that_is_no_text_or_too_long(query, tmp_path):
    file = tmp_path / "x.rq"
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in query(file, code=2)
    file.write_bytes(b"#" * (1 << 20))
    assert "more than 65,536 bytes" in query(file, code=2)


def test_a_table_hides_no_control_characters():
    json = b'{"head":{"vars":["x"]},"results":{"bindings":[{"x":{"type":"literal","value":"a\\u001b[2J\\nb"}}]}}'
    assert table(json) == (["x"], [["a [2J b"]])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryService]:
    files = list(found(shared.folder("rdf") / "seloc-ml"))
    store = open_store(tmp_path_factory.mktemp("published") / "registry")
    Importer(store).add(files)
    with QueryService(store, Limits(workers=1, spare=0)) as service:
        yield service
    store.close()


@pytest.mark.parametrize(("number", "count"), [(1, 2), (2, 2), (3, 4)])
def test_published_queries_give_the_right_rows(published, number, count):
    text = (shared.folder("rdf") / "seloc-ml" / "queries" / f"query_{number}.rq").read_text()
    answer = published.ask(text)
    assert len(json.loads(answer.body)["results"]["bindings"]) == count
    assert len(answer.notes) == 4 and all("is deprecated" in note for note in answer.notes)


def test_named_queries_on_published_data(published):
    def ask(name: str, **given: str) -> list[list[str]]:
        query = named.load(name)
        return list(csv.reader(io.StringIO(
            published.ask(query.text, query.values(given), "text/csv").body.decode())))[1:]  # fmt: skip

    fits = {row[1]: len(ask("models-for-device", device=row[0]))
            for row in ask("devices-with-sensor", sensor="sosa_extend:Accelerometer")}  # fmt: skip
    assert fits.pop("MS200_1") == 8  # not of those that the authors began with
    assert sorted(fits.values()) == [2, 8, 12, 16, 19, 21]
