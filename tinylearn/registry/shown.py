"""One registered thing as people and programs want to see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from tinylearn.errors import BadInputError
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.names import short
from tinylearn.registry.things import DOCUMENT
from tinylearn.registry.vocabulary import PREFIXES, TYPE


def turtle_of(triples: Sequence[Triple]) -> str:
    """As Turtle, with the prefixes that people know."""
    data = serialize(triples, format=RdfFormat.TURTLE, prefixes=PREFIXES)
    return bytes(data).decode() if data is not None else ""


def td_of(catalog: Catalog, iri: NamedNode) -> dict[str, Any]:
    """The Thing Description; raises BadInputError where there is none."""
    thing = catalog.thing(iri)
    if thing is None:
        raise BadInputError(f"{iri.value}: has no Thing Description; show it with --turtle")
    return thing.content


def facts_of(iri: NamedNode, triples: Sequence[Triple]) -> list[tuple[str, str]]:
    """What is said of it directly, each property once, values side by side."""
    values: dict[str, list[str]] = {}
    for triple in triples:
        if triple.subject != iri or triple.predicate == DOCUMENT:
            continue
        if isinstance(triple.object, (NamedNode, Literal)):
            values.setdefault(_label(triple.predicate), []).append(_text(triple.object))
    return [
        ("IRI", iri.value),
        *((name, ", ".join(sorted(v))) for name, v in sorted(values.items())),
    ]


def _label(predicate: NamedNode) -> str:
    return "type" if predicate == TYPE else short(predicate.value)


def _text(value: NamedNode | Literal) -> str:
    if isinstance(value, Literal):
        return value.value
    known = any(value.value.startswith(base) for base in PREFIXES.values())
    return short(value.value) if known else value.value
