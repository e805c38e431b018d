"""Thing Descriptions as JSON: read, validated, told in RDF and made of it again; Turtle and exported graphs
as the importer reads them. An input is a first byte, which of the three, and the text."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

from engine import changed_bytes, scratch
from pyoxigraph import NamedNode
from support.things import minimal, oven

from tinylearn.errors import TinylearnError
from tinylearn.registry.importing.dump import check_quad
from tinylearn.registry.importing.prepare import of_turtle
from tinylearn.registry.store.dataset_files import survey
from tinylearn.registry.td.document import check_td, parse_td, td_of_triples, to_triples
from tinylearn.registry.validation import check

_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, "", "x", "a b", "{x}", "urn:x", "en", "nosec", "combo", "@id", "tm:ThingModel",
    "https://no.such.host.example/", [], [[]], {}, {"@id": "x"}, {"@value": 1}, {"@context": "https://x.example/"},
    {"@context": {"a": {"@id": "b:c", "@container": "@list"}}}, ["login"], [None], {"en": "x"}, "_:b", "file:///x",
)  # fmt: skip
_NAMES = ("@context", "@type", "@id", "@graph", "@reverse", "@included", "@index", "@nest", "@set", "@list", "id",
          "forms", "properties", "security", "titles", "const", "x:y", "")  # fmt: skip
_TURTLE = b"""@prefix td: <https://www.w3.org/2019/wot/td#> . @prefix s3n: <http://w3id.org/s3n/> .
<urn:a> a s3n:SmartSensor , td:Thing ; td:title "A"@en , "B"@de ; td:hasSecurityConfiguration td:nosec_sc ;
 td:securityDefinitions [ td:scheme "nosec" ] ; td:hasPropertyAffordance [ td:title "T" ; td:type "number" ;
 td:maximum 4.5 ; td:hasForm [ td:href "http://x/a" ; td:op "readproperty" ] ] ; <urn:p> ( 1 true "x" <b> ) .
"""
_DUMP = b"""@prefix x: <urn:x:> . x:a { x:a x:b 'it', "[" , [ x:c ( 1 2 ) ] }
x:b { x:b <urn:tinylearn:ns:document> '{"id": "urn:x:b", "a": [{}]}' } # }
"""
_PIECES = (b"[", b"]", b"(", b")", b"<<", b">>", b'"', b'"""', b"'", b".", b";", b",", b"<", b">", b"#", b"\\", b"@",
           b"^^", b"{|", b"_:a", b"a ", b"\xff", b"\xed\xa0\x80", b"@base <x> .", b"1e999", b"td:hasForm ",
           b"<<( <a:b> <a:b> ", b")>>", b"\\'", b"\r", b"'''")  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


class ThingText:
    """See engine.Parser."""

    def __init__(self) -> None:
        self._file = scratch("dump.trig")

    def seeds(self) -> list[bytes]:
        """All that the standard has, the least of it, Turtle and a dump."""
        tds = (oven(), minimal(), minimal(id="urn:x:1", **{"x:y": [1, {"@id": "urn:z"}]}))
        return [*(b"\0" + json.dumps(td).encode() for td in tds), b"\1" + _TURTLE, b"\2" + _DUMP]

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """Members replaced, renamed, moved or left out; pieces of syntax put in; now and then bytes."""
        if rng.random() < 0.1:
            return data[:1] + changed_bytes(rng, data[1:], other[1:])
        if data[:1] != b"\0":
            return data[:1] + self._with_pieces(rng, data[1:])
        try:
            td = json.loads(data[1:])
            for _ in range(rng.choice((1, 1, 2, 4))):
                self._change(rng, *rng.choice(_places(td)), td)
            return b"\0" + json.dumps(td).encode()
        except (ValueError, IndexError, RecursionError):  # a seed that is itself damaged
            return b"\0" + self._with_pieces(rng, data[1:])

    def _with_pieces(self, rng: random.Random, text: bytes) -> bytes:
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(text) + 1)
            text = (
                text[:at]
                + rng.choice(_PIECES) * rng.choice((1, 1, 1, 300))
                + text[at + rng.choice((0, 1, 5)) :]
            )
        return text

    def _change(self, rng: random.Random, owner: Any, key: Any, td: Any) -> None:
        what = rng.random()
        if what < 0.5:
            owner[key] = rng.choice(_VALUES)
        elif what < 0.65 and isinstance(owner, dict):
            owner[rng.choice(_NAMES)] = owner.pop(key)
        elif what < 0.8:
            place, name = rng.choice(_places(td))
            owner[key] = json.loads(json.dumps(place[name]))
        else:
            del owner[key]

    def run(self, data: bytes) -> None:
        """What is accepted comes back equal, and what RDF makes of it can be read or is refused."""
        if data[:1] == b"\1":
            check({entry.iri: entry.said for entry in of_turtle(data[1:], "a.ttl").entries})
            return
        if data[:1] == b"\2":
            self._file.write_bytes(data[1:])
            survey(self._file, check_quad)
            return
        td = parse_td(data[1:])
        if td.content != json.loads(data[1:]):
            raise AssertionError("a Thing Description came back changed")
        iri = td.id or "urn:x:anonymous"
        triples = to_triples(check_td({**td.content, "id": iri}))
        with suppress(TinylearnError):  # an extension may say in RDF what no description may
            check_td(td_of_triples(NamedNode(iri), triples))
