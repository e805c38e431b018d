"""What SHACL finds wrong with hardware and models, in words for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from described import DEVICE, MEMORY, board, triples
from pyoxigraph import NamedNode

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.write import triples_of
from tinylearn.registry.ontology import read, root
from tinylearn.registry.validation import InvalidDescriptionError, check, is_checked, require_valid
from tinylearn.registry.vocabulary import TL

MODEL = NamedNode("urn:test:model")


def wrong(text: str, of: NamedNode = DEVICE) -> list[str]:
    return [str(problem) for problem in check({of: triples(text)})]


def memory(ram: str) -> str:
    return MEMORY.replace("qudt:numericValue 262144 ; qudt:unit unit:BYTE", ram)


def test_a_whole_description_has_nothing_wrong() -> None:
    assert wrong(board()) == []
    assert wrong('<urn:test:device> a s3n:SmartSensor ; tl:ramBytes 4096 ; tl:core "AVR" .') == []
    assert not check({NamedNode("urn:a"): triples_of(Device("urn:a", "a", 4096, 65536))})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (board(memory("schema:value 256")), "RAM: 256 is no number of bytes; if 256 kB are meant, "
         "write qudt:numericValue 256000 ; qudt:unit unit:BYTE"),
        (board(memory("qudt:numericValue 256")), "RAM: 256 without a unit; write qudt:numericValue in bytes "
         "with qudt:unit unit:BYTE (if 256 kB are meant: 256000)"),
        (board(memory("qudt:numericValue 256 ; qudt:unit unit:KiloBYTE")),
         "RAM: 256 in unit:KiloBYTE; write the bytes with qudt:unit unit:BYTE (if 256 kB are meant: "
         "qudt:numericValue 256000)"),
        (board(memory("qudt:numericValue 256 ; qudt:unit unit:BYTE")), "256 bytes of RAM: no program runs "
         "in so few; if 256 kB are meant, write 256000 bytes (tl:ramBytes, or qudt:numericValue with "
         "qudt:unit unit:BYTE)"),
        (board(memory('qudt:numericValue "256 kB" ; qudt:unit unit:BYTE')), "RAM: qudt:numericValue 256 kB: "
         "write the number of bytes once, as xsd:integer, with qudt:unit unit:BYTE"),
        (board("ssn-system:hasSystemProperty 256"), "MicroController: ssn-system:hasSystemProperty 256: a "
         "bare value says nothing; write [ a s3n_extend:RAM ; qudt:numericValue 262144 ; qudt:unit "
         "unit:BYTE ]"),
        ("<urn:test:device> a td:Thing ; tl:ramBytes 256 .", "256 bytes of RAM: no program runs in so few; "
         "if 256 kB are meant, write 256000 bytes (tl:ramBytes, or qudt:numericValue with qudt:unit "
         "unit:BYTE)"),
        ('<urn:test:device> a td:Thing ; tl:flashBytes "1 MB" .',
         "tl:flashBytes 1 MB: write the number of bytes once, as xsd:integer"),
    ],
)  # fmt: skip
def test_a_size_that_is_no_number_of_bytes(text: str, message: str) -> None:
    assert message in wrong(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<urn:test:device> a s3n:SmartSensor .", "it has no microcontroller"),
        ("<urn:test:device> a s3n:SmartSensor ; ssn:hasSubSystem [ a sosa_extend:Camera ] .",
         "it has no microcontroller"),
        (board(core=""), "MicroController: its microcontroller has no core"),
        (board("ssn-system:hasSystemProperty [ a s3n_extend:Flash ; qudt:numericValue 65536 ; "
               "qudt:unit unit:BYTE ]"), "MicroController: its microcontroller has no RAM"),
        (board(memory("qudt:numericValue 262144 ; qudt:unit unit:BYTE").split(",")[0]),
         "MicroController: its microcontroller has no flash"),
        (board(more="tl:fpu 'yes' ;"), "tl:fpu yes: write true or false"),
        (board(core='tl:core "AVR" ; tl:fpu "false" ;'), "MicroController: tl:fpu false: write true or false"),
        (board(core='tl:core "AVR" ; tl:dsp 0 ;'), "MicroController: tl:dsp 0: write true or false"),
        (board(more="tl:sensor 'microphone' ;"), "tl:sensor microphone: write the IRI of a sensor class"),
        (board(f"{MEMORY} , [ a tl:ClockFrequency ; qudt:numericValue 64 ]"),
         "ClockFrequency: clock 64 without a unit of frequency"),
    ],
)  # fmt: skip
def test_a_device_that_matching_could_not_rely_on(text: str, message: str) -> None:
    found = wrong(text)
    assert len(found) == 1 and found[0].startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<urn:test:model> a nnet:NeuralNetwork ; schema:name 'm' .", "it has no input"),
        ("<urn:test:model> a nnet:NeuralNetwork ; ssn:hasInput [] .", "it has no name"),
        ("<urn:test:model> a nnet:NeuralNetwork ; schema:name 'm' ; ssn:hasInput [] ; tl:accuracy 93 .",
         "tl:accuracy 93: write a part of 1"),
        ("<urn:test:model> a nnet:NeuralNetwork ; schema:name 'm' ; ssn:hasInput [] ; "
         "tl:inferenceRamBytes 8.5 .", "8.5: what a model needs is written in bytes"),
    ],
)  # fmt: skip
def test_a_model_that_matching_could_not_rely_on(text: str, message: str) -> None:
    found = wrong(text, MODEL)
    assert len(found) == 1 and found[0].startswith(message)


def test_a_plain_thing_is_not_looked_at() -> None:
    said = triples("<urn:test:device> a td:Thing ; td:title 'lamp' ; schema:value 256 .")
    assert not is_checked(said) and check({DEVICE: said}) == []


def test_each_of_many_things_has_its_own_problems() -> None:
    good, bad = triples(board()), triples("<urn:test:bad> a s3n:SmartSensor .")
    things = {NamedNode(f"urn:test:{n}"): good for n in range(3)}
    problems = check({**things, DEVICE: good, NamedNode("urn:test:bad"): bad})
    assert [problem.thing for problem in problems] == ["urn:test:bad"]


def test_the_error_tells_the_first_problem_and_has_all() -> None:
    with pytest.raises(
        InvalidDescriptionError, match=r"urn:test:device: .* \(and 1 more\)"
    ) as caught:
        require_valid(DEVICE, triples(board("rdfs:label 'nothing'")))
    assert len(caught.value.problems) == 2


def test_every_term_of_ours_is_in_the_ontology() -> None:
    import rdflib

    graph = rdflib.Graph().parse(data=read("tinylearn.ttl"), format="turtle")
    defined = {str(subject) for subject in graph.subjects() if str(subject).startswith(TL)}
    for term in defined:
        node = rdflib.URIRef(term)
        assert graph.value(node, rdflib.RDFS.label) and graph.value(node, rdflib.RDFS.comment), term
        kinds = set(graph.objects(node, rdflib.RDF.type))
        if kinds & {rdflib.OWL.DatatypeProperty, rdflib.OWL.ObjectProperty}:
            assert graph.value(node, rdflib.RDFS.domain) and graph.value(node, rdflib.RDFS.range), (
                term
            )
    package = Path(__file__).resolve().parents[2] / "tinylearn"
    text = "".join(path.read_text() for path in package.rglob("*.py"))
    used = set(re.findall(r'\btl\("(\w+)"\)', text))
    used |= set(re.findall(r"\btl:(\w+)", (root() / "shapes.ttl").read_text()))
    used = {name for name in used if not name.endswith("Shape")}
    assert used and {TL + name for name in used} <= defined
