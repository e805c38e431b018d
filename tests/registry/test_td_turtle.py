"""Turtle files: what they describe, bounded, and as Thing Descriptions."""

from __future__ import annotations

import json

import pytest
from pyoxigraph import NamedNode, Triple
from support import shared

from tinylearn.errors import BadInputError
from tinylearn.registry.importing import split as splitting
from tinylearn.registry.importing import turtle_file
from tinylearn.registry.importing.prepare import of_turtle
from tinylearn.registry.importing.split import split
from tinylearn.registry.importing.turtle_file import read_turtle
from tinylearn.registry.td.document import InvalidThingError, check_td, td_of_triples, to_triples
from tinylearn.registry.td.nodes import local_name
from tinylearn.registry.vocabulary import S3N, SSN, TD

PREFIXES = (
    f"@prefix td: <{TD}> . @prefix s3n: <{S3N}> . @prefix ssn: <{SSN}> . @prefix x: <urn:x:> .\n"
)
KETTLE = """
x:kettle a s3n:SmartSensor ; td:title "Kettle"@en , "Kessel"@de ; ssn:hasSubSystem [ a s3n:MicroController ] ;
  td:hasPropertyAffordance [ td:title "Water level" ; td:type "number" ; td:maximum 2 ;
    td:hasForm [ td:href "http://kettle.example/level" ; td:op "readproperty" ] ] ,
    [ td:title "out of reach" ] ;
  td:hasSecurityConfiguration td:nosec_sc ; td:securityDefinitions [ td:scheme "nosec" ] .
"""


def parse(text: str, prefixes: str = PREFIXES) -> dict[NamedNode, list[Triple]]:
    return split(read_turtle((prefixes + text).encode(), "a.ttl").triples, "a.ttl").things


def test_each_thing_gets_what_is_said_of_it() -> None:
    found = parse("x:a x:b [ x:c x:d ] . x:d x:e 1 . x:f a td:Thing ; x:knows x:a . x:g x:h x:a .")
    assert {name.value: len(triples) for name, triples in found.items()} == {"urn:x:f": 5}
    found = parse(
        "x:a a s3n:SmartSensor ; x:knows x:f ; x:b _:n . _:n x:c 1 . x:f a td:Thing ; x:knows x:a ; x:b _:n ."
    )
    assert {name.value: len(triples) for name, triples in found.items()} == {
        "urn:x:a": 4,
        "urn:x:f": 4,
    }


def test_a_thing_description_is_made_of_it() -> None:
    ((iri, triples),) = parse(KETTLE).items()
    td = check_td(td_of_triples(iri, triples)).content
    assert td["title"] == "Kettle" and td["titles"] == {"en": "Kettle", "de": "Kessel"}
    assert td["security"] == ["nosec_sc"] and td["securityDefinitions"] == {
        "nosec_sc": {"scheme": "nosec"}
    }
    assert td["properties"] == {"Water_level": {
        "title": "Water level", "type": "number", "maximum": 2,
        "forms": [{"href": "http://kettle.example/level", "op": ["readproperty"]}]}}  # fmt: skip
    assert td["ssn:hasSubSystem"] == {"@type": ["s3n:MicroController"]}


def test_what_says_next_to_nothing_is_a_thing_description_too() -> None:
    ((iri, triples),) = parse("x:a a td:Thing .").items()
    td = check_td(td_of_triples(iri, triples)).content
    assert td["title"] == "a" and td["securityDefinitions"] == {"auto_sc": {"scheme": "auto"}}


def test_affordances_of_one_title_keep_apart() -> None:
    form = '[ td:title "T" ; td:hasForm [ td:href "x{}" ] ]'
    many = " , ".join(form.format(n) for n in range(3))
    ((iri, triples),) = parse(f"x:a a td:Thing ; td:hasPropertyAffordance {many} .").items()
    assert set(td_of_triples(iri, triples)["properties"]) == {"T", "T_2", "T_3"}


def test_the_published_devices_are_thing_descriptions() -> None:
    for path in sorted((shared.folder("rdf") / "seloc-ml" / "devices").iterdir()):
        ((iri, triples),) = parse(path.read_text(), prefixes="").items()
        td = check_td(td_of_triples(iri, triples))
        assert td.id == iri.value and td.content["properties"], path.name
        told = {(t.predicate, t.object) for t in to_triples(td) if t.subject == iri}
        kept = [t for t in triples if t.subject == iri and not t.predicate.value.startswith(TD)
                and isinstance(t.object, NamedNode)]  # fmt: skip
        assert all((t.predicate, t.object) in told for t in kept), path.name
        types = sorted(str(t.object) for t in to_triples(td) if "sosa_extend" in str(t.object))
        assert types == sorted(str(t.object) for t in triples if "sosa_extend" in str(t.object))


DEEP = 100_000
BAD = {
    "XML": b'<?xml version="1.0"?><rdf:RDF/>',
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<rdf:RDF>&b;</rdf:RDF>',
    "RDF/XML without a prologue": b"  <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>",
    "nested nodes": b"<urn:a> <urn:b> " + b"[ <urn:b> " * DEEP,
    "nested lists": b"<urn:a> <urn:b> " + b"(" * DEEP + b")" * DEEP + b" .",
    "nested statements": b"<<" * DEEP,
    "nested annotations": b"<urn:a> <urn:b> <urn:c> " + b"{| <urn:d> <urn:e> " * DEEP,
    "statements about statements": b"<urn:a> <urn:b> <<( <urn:a> <urn:b> 1 )>> .",
    "text that never ends": b'<urn:a> <urn:b> """' + b'\\"' * DEEP,
    "no Turtle": b"{}",
    "half": b"<urn:a> <urn:b>",
    "nothing": b"",
    "only nodes without a name": b"[] <urn:b> 1 .",
    "not UTF-8": b"<urn:a> <urn:b> '\xff' .",
    "no IRI": b"<urn:a b> <urn:b> 1 .",
}


@pytest.mark.parametrize("data", BAD.values(), ids=list(BAD))
def test_hostile_turtle_is_refused(data: bytes) -> None:
    with pytest.raises(BadInputError, match=r"^a\.ttl: ") as refusal:
        of_turtle(data, "a.ttl")
    assert len(str(refusal.value)) < 500


def test_brackets_in_texts_names_and_comments_do_not_count() -> None:
    quoted = "[" * 100
    assert parse(
        f"""x:a a td:Thing ; x:b "{quoted}" , '{quoted}' , \"\"\"{quoted}"\n\"\"\" , <urn:y:%5B> . # {quoted}"""
    )


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turtle_file, "MOST_TRIPLES", 10)
    with pytest.raises(BadInputError, match=r"a\.ttl: more than 10 triples"):
        parse("x:a x:b " + " , ".join(map(str, range(11))) + " .")
    monkeypatch.setattr(turtle_file, "MOST_BYTES", 10)
    with pytest.raises(BadInputError, match=r"a\.ttl: is larger than"):
        parse("x:a x:b 1 .")


def test_what_things_share_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "MOST_TRIPLES", 40)
    shared_by_all = "x:s x:c " + " , ".join(map(str, range(8))) + " ."
    things = [f"x:t{n} a td:Thing ; x:b x:s . " for n in range(5)]
    assert len(parse("".join(things[:4]) + shared_by_all)) == 4
    with pytest.raises(BadInputError, match=r"a\.ttl: its things share too much"):
        of_turtle((PREFIXES + "".join(things) + shared_by_all).encode(), "a.ttl")


def test_graphs_that_lead_in_circles_end() -> None:
    circle = "x:a a td:Thing ; td:hasPropertyAffordance _:a ; x:next x:b . x:b x:next x:b . "
    circle += (
        "_:a td:hasForm [ td:href 'x' ] ; <https://www.w3.org/2019/wot/json-schema#items> _:a ."
    )
    ((iri, triples),) = parse(circle).items()
    assert check_td(td_of_triples(iri, triples)).content["properties"]["unnamed"]["items"]
    steps = "_:n{0} x:p _:n{1} ; x:q _:n{1} ; x:r _:n{1} . "
    fan = "".join(steps.format(n, n + 1) for n in range(40))
    ((iri, triples),) = parse("x:a a td:Thing ; x:b _:n0 . " + fan).items()
    with pytest.raises(InvalidThingError, match="too many nodes"):
        td_of_triples(iri, triples)


@pytest.mark.parametrize(
    ("iri", "name"), [("urn:a:b", "b"), ("http://x/y#z", "z"), ("http://x/y", "y"), ("x", "x")]
)
def test_local_names(iri: str, name: str) -> None:
    assert local_name(iri) == name


def test_a_description_of_turtle_is_json() -> None:
    ((iri, triples),) = parse(KETTLE).items()
    td = td_of_triples(iri, triples)
    assert json.loads(json.dumps(td)) == td
