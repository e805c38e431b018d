"""Queries by name, on both kinds of store, and their parameters."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from tinylearn.errors import UsageError
from tinylearn.registry.query import named
from tinylearn.registry.query.gate import admit
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.service import QueryService
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import SOSA_EXTEND, XSD

TURTLE = """
PREFIX s3n: <http://w3id.org/s3n/> PREFIX tl: <urn:tinylearn:ns:> PREFIX td: <https://www.w3.org/2019/wot/td#>
PREFIX nnet: <https://w3id.org/tinyml-schema/neural-network-schema#> PREFIX schema: <https://schema.org/>
PREFIX s: <https://w3id.org/tinyml-schema/neural-network-schema/sosa_extend/>
PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
<urn:d:large> a s3n:SmartSensor ; td:title "large" ; tl:ramBytes 100 ; tl:flashBytes 1000 ; tl:fpu true ;
  tl:target "big" ;
  tl:sensor s:Microphone, s:Camera .
<urn:f:large> a tl:FleetDevice ; tl:fleet "works" ; tl:fleetName "large" ; tl:online true ;
  tl:modelVersion 3 ; tl:lastRound 9 ; tl:lastLoss 0.5e0 .
<urn:d:soft> a s3n:SmartSensor ; td:title "soft" ; tl:ramBytes 100 ; tl:flashBytes 1000 ; tl:fpu false ;
  tl:sensor s:Microphone .
<urn:d:deaf> a s3n:SmartSensor ; td:title "deaf" ; tl:ramBytes 100 ; tl:flashBytes 1000 .
<urn:d:small> a s3n:SmartSensor ; td:title "small" ; tl:ramBytes 40 ; tl:flashBytes 1000 ; tl:sensor s:Microphone .
<urn:f:small> a tl:FleetDevice ; tl:fleet "works" ; tl:fleetName "small" ; tl:online false ; tl:modelVersion 2 .
<urn:d:unknown> a s3n:SmartSensor ; td:title "unknown" ; tl:sensor s:Microphone .
<urn:m:words> a nnet:NeuralNetwork ; schema:name "words" ; tl:requiresSensor s:Microphone ;
  tl:inferenceRamBytes 50 ; tl:inferenceFlashBytes 500 ; tl:arithmetic "int8" ; tl:accuracy 0.8 ;
  nnet:hasCategory nnet:Classification ; tl:learningObstacle "frozen" ; prov:wasDerivedFrom <urn:m:float> .
<urn:m:float> a nnet:NeuralNetwork ; schema:name "float" ; tl:inferenceRamBytes 60 ; rdfs:label "float.keras" ;
  tl:inferenceFlashBytes 2000 ; tl:learningRamBytes 90 ; tl:learningFlashBytes 600 ; tl:arithmetic "float32" ;
  tl:accuracy 0.9 ; nnet:hasCategory nnet:Classification ; tl:needOnTarget <urn:m:float#n> ;
  prov:wasDerivedFrom <urn:m:source> .
<urn:m:float#n> tl:target "big" ; tl:mode "inference" ; tl:ramBytes 70 ; tl:flashBytes 700 .
<urn:m:odd> a nnet:NeuralNetwork ; schema:name "odd" ; tl:unsupportedOperator "Odd" ; tl:inferenceRamBytes 1 ;
  tl:inferenceFlashBytes 1 .
<urn:v:2> prov:wasDerivedFrom <urn:m:words> ; prov:wasGeneratedBy <urn:v:2#round> .
<urn:v:2#round> tl:round 7 .
"""


@pytest.fixture
def service(store: GraphStore) -> Iterator[QueryService]:
    graphs: dict[NamedNode, list] = {}
    for quad in parse(TURTLE, RdfFormat.TURTLE):
        graphs.setdefault(NamedNode(quad.subject.value.split("#")[0]), []).append(quad.triple)
    store.upsert(graphs)
    with QueryService(store, Limits(workers=1, spare=0)) as opened:
        yield opened


def test_answers(service: QueryService):
    def ask(name: str, **given: str) -> list[list[str]]:
        query = named.load(name)
        answer = service.ask(query.text, query.values(given), "text/csv")
        return list(csv.reader(io.StringIO(answer.body.decode())))[1:]

    def first(name: str, **given: str) -> list[str]:
        return [row[0] for row in ask(name, **given)]

    assert ask("devices-for-model", model="urn:m:words") == [
        ["urn:d:large", "large", "50", "100", "500", "1000"],
        ["urn:d:soft", "soft", "50", "100", "500", "1000"],
    ]
    assert first("devices-for-model", model="urn:m:words", mode="learning") == []
    assert ask("devices-for-model", model="urn:m:float") == [
        ["urn:d:large", "large", "70", "100", "700", "1000"]  # as its target needs, not in general
    ]
    assert first("devices-for-model", model="urn:m:float", mode="learning") == [
        "urn:d:deaf",
        "urn:d:large",
    ]
    assert first("devices-for-model", model="urn:m:odd") == []
    assert first("models-for-device", device="urn:d:large") == ["urn:m:float", "urn:m:words"]
    assert first("models-for-device", device="urn:d:large", mode="learning") == ["urn:m:float"]
    assert first("models-for-device", device="urn:d:soft") == ["urn:m:words"]
    assert first("models-for-device", device="urn:d:unknown") == []
    assert first("devices-with-sensor", sensor="sosa_extend:Camera") == ["urn:d:large"]
    assert len(first("devices-with-sensor", sensor=SOSA_EXTEND + "Microphone")) == 4
    assert first("models-by-task", task="nnet:Classification") == ["urn:m:float", "urn:m:words"]
    assert ask("sensors") == [
        [SOSA_EXTEND + "Microphone", "4", "1"],
        [SOSA_EXTEND + "Camera", "1", "0"],
    ]
    large, small = ask("fleet-status")
    assert large[:5] == ["works", "large", "true", "3", "9"] and float(large[5]) == 0.5
    assert small == ["works", "small", "false", "2", "", ""]
    assert ask("lineage", of="urn:v:2") == [
        ["urn:v:2", "urn:m:words", "", "urn:v:2#round", "7"],
        ["urn:m:float", "urn:m:source", "", "", ""],
        ["urn:m:words", "urn:m:float", "float.keras", "", ""],
    ]
    for name, given in (("device", {"device": "urn:d:deaf"}), ("model", {"model": "urn:m:odd"})):
        query = named.load(name)
        body = service.ask(query.text, query.values(given), "application/n-triples").body
        subjects = {quad.subject.value for quad in parse(body, RdfFormat.N_TRIPLES)}
        assert subjects == set(given.values())


@pytest.mark.parametrize("query", named.load_all(), ids=lambda query: query.name)
def test_says_what_it_is(query):
    found = admit(query.text, Limits())
    assert query.help.endswith(".") and not query.help.startswith("@")
    assert query.text.count("@param") == len(query.parameters)
    for parameter in query.parameters:
        assert parameter.name in found.variables and parameter.help
        assert "|" in parameter.kind or parameter.kind in named._TERMS
        if parameter.default is not None:
            parameter.term(parameter.default)


def term(kind: str, text: str) -> object:
    return named.Parameter("x", kind, "").term(text)


def test_parameters_have_types():
    assert term("iri", "sosa_extend:Camera") == NamedNode(SOSA_EXTEND + "Camera")
    assert term("iri", "<urn:a:b>") == term("iri", "urn:a:b") == NamedNode("urn:a:b")
    assert term("text", "12 \ud800") == Literal("12 ?")
    assert term("integer", "-12") == Literal(-12)
    assert term("number", "1.5") == Literal("1.5", datatype=NamedNode(XSD + "decimal"))
    assert term("number", "1e3") == Literal("1e3", datatype=NamedNode(XSD + "double"))
    assert term("boolean", "true") == Literal(True)
    assert term("one|other", "other") == Literal("other")


WRONG = [("iri", "no iri"), ("iri", "a:b> <c:d"), ("iri", "relative"), ("iri", "urn:a\n"), ("integer", "1.5"),
         ("integer", "9" * 30), ("integer", "٣"), ("number", "nan"), ("number", "1e9999"), ("number", ""),
         ("boolean", "yes"), ("one|other", "third")]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), WRONG)
def test_values_of_another_type(kind, text):
    with pytest.raises(UsageError, match=r"parameter x: .* is not "):
        term(kind, text)


def test_a_wrong_value_is_told_what_would_be_right():
    with pytest.raises(UsageError, match=r"task: 'Speech' is not an IRI.* such as nnet:Class"):
        named.load("models-by-task").values({"task": "Speech"})


def test_parameters_are_those_of_the_query():
    query = named.load("devices-for-model")
    with pytest.raises(UsageError, match=r"parameter model \(the model\) is missing"):
        query.values({})
    with pytest.raises(UsageError, match="no parameter 'device'; it has mode, model"):
        query.values({"model": "a:b", "device": "a:b"})
    with pytest.raises(UsageError, match=r"no query '\.\./x'; there are device"):
        named.load("../x")
