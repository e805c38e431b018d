"""Turtle that nobody has vouched for: the things it describes, each with what it says of them.

Turtle alone: RDF/XML with its entities is not accepted in any disguise.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from typing import Any

from pyoxigraph import BlankNode, NamedNode, RdfFormat, Triple, parse

from tinylearn.errors import BadInputError
from tinylearn.registry.nesting import check_nesting
from tinylearn.registry.td.problems import InvalidThingError, Problem
from tinylearn.registry.vocabulary import NEURAL_NETWORK, SMART_SENSOR, THING, TYPE

MOST_BYTES = 16 << 20
MOST_TRIPLES = 300_000
#: IRIs of these classes are described on their own, whoever else speaks of them
_THINGS = frozenset({THING, SMART_SENSOR, NEURAL_NETWORK})

_Said = dict[Any, list[Triple]]


def parse_turtle(data: bytes, base: str) -> dict[NamedNode, list[Triple]]:
    """Described things in order, each with the triples about it, its blank nodes and the IRIs that
    only it leads to. Relative IRIs are taken from ``base``. Blank nodes have the same names each
    time, different ones for different things. Raises InvalidThingError.
    """
    said: _Said = defaultdict(list)
    for triple in _triples(checked(data), base):
        said[triple.subject].append(triple)
    things = _things(said)
    if not things:
        raise _refusal("$", "describes no thing: no IRI is the subject of a statement")
    described = {thing: _about(thing, said, things) for thing in things}
    if sum(map(len, described.values())) > 2 * MOST_TRIPLES:
        raise _refusal("$", "has things that share too much; split it")
    return {thing: _renamed(thing, triples) for thing, triples in described.items()}


def _refusal(field: str, message: str) -> InvalidThingError:
    return InvalidThingError([Problem(field, message)])


def checked(data: bytes, most_bytes: int | None = None) -> bytes:
    """What a parser may be given: bounded (None: by MOST_BYTES), UTF-8, not XML, and not so deep that
    a parser's stack ends. Raises InvalidThingError."""
    most = MOST_BYTES if most_bytes is None else most_bytes
    if len(data) > most:
        raise _refusal("$", f"is larger than {most:,} bytes; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal("$", "is not UTF-8, which Turtle is written in") from None
    if text.lstrip().startswith(("<?xml", "<!", "<rdf:")):
        raise _refusal("$", "is XML; only Turtle and JSON-LD are read, convert it first")
    try:
        check_nesting(text.encode())
    except BadInputError as error:
        raise _refusal("$", str(error)) from None
    return text.encode()


def _triples(text: bytes, base: str) -> list[Triple]:
    found: list[Triple] = []
    try:
        for quad in parse(text, RdfFormat.TURTLE, base_iri=base):
            if len(found) >= MOST_TRIPLES:
                raise _refusal("$", f"has more than {MOST_TRIPLES:,} triples; split it")
            if isinstance(quad.subject, Triple) or isinstance(quad.object, Triple):
                raise _refusal("$", "has statements about statements; state them plainly")
            found.append(quad.triple)
    except SyntaxError as error:
        message = f"is not Turtle: {error.msg}"
        raise _refusal(f"line {error.lineno or 1}", message) from None
    return found


def _things(said: _Said) -> dict[NamedNode, None]:
    """IRIs of a class that is registered, and all that no other subject leads to."""
    led_to = {triple.object for triples in said.values() for triple in triples
              if triple.object != triple.subject}  # fmt: skip
    return {
        subject: None
        for subject, triples in said.items()
        if isinstance(subject, NamedNode)
        and (subject not in led_to or any(_is_thing(triple) for triple in triples))
    }


def _is_thing(triple: Triple) -> bool:
    return triple.predicate == TYPE and triple.object in _THINGS


def _about(thing: NamedNode, said: _Said, things: dict[NamedNode, None]) -> list[Triple]:
    """All that can be reached without coming to another thing."""
    found: list[Triple] = []
    waiting: deque[Any] = deque([thing])
    seen: set[Any] = {thing}
    while waiting:
        for triple in said.get(waiting.popleft(), ()):
            found.append(triple)
            if triple.object not in seen and triple.object not in things:
                seen.add(triple.object)
                waiting.append(triple.object)
        if len(found) > MOST_TRIPLES:
            raise _refusal("$", "has things that share too much; split it")
    return found


def _renamed(thing: NamedNode, triples: list[Triple]) -> list[Triple]:
    """Blank nodes numbered as they come."""
    prefix = "t" + hashlib.blake2b(thing.value.encode(), digest_size=8).hexdigest()
    names: dict[BlankNode, BlankNode] = {}

    def name(node: Any) -> Any:
        if not isinstance(node, BlankNode):
            return node
        return names.setdefault(node, BlankNode(f"{prefix}n{len(names)}"))

    return [Triple(name(t.subject), t.predicate, name(t.object)) for t in triples]
