"""Things as they are kept: what a Thing Description says in RDF, hardware facts, the document itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.devices.read import device_of, flat_facts, is_device, without_flat_facts
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import Description
from tinylearn.registry.validation import Problem, check
from tinylearn.registry.vocabulary import DISCOVERY, THING, TYPE, XSD, tl

_SCHEMA_ORG = "http://schema.org/"  # as the discovery context has it
DOCUMENT, DEFECT = tl("document"), tl("defect")
HAS_REGISTRATION = NamedNode(DISCOVERY + "hasRegistrationInformation")
_REGISTRATION = NamedNode(DISCOVERY + "RegistrationInformation")
CREATED, MODIFIED, EXPIRES = (
    NamedNode(_SCHEMA_ORG + name) for name in ("dateCreated", "dateModified", "expires")
)
TTL = NamedNode(DISCOVERY + "ttl")
_DATE_TIME = NamedNode(XSD + "dateTime")


@dataclass(frozen=True)
class StoredThing:
    """``content``: the Thing Description as it came, without ``registration``."""

    iri: str
    content: dict[str, Any]
    created: datetime | None
    modified: datetime | None


@dataclass(frozen=True)
class Facts:
    """``triples``: with flat facts where hardware is described; ``problems``: why there are none."""

    triples: list[Triple]
    problems: list[Problem]


def with_facts(iri: NamedNode, triples: Sequence[Triple]) -> Facts:
    """What is said of a thing, and beside it the facts that matching reads.

    Hardware that the shapes find wrong gives no facts, but ``tl:defect`` with what is wrong: the thing
    is there, and no model is ever said to fit it.
    """
    if not is_device(iri, triples):
        return Facts(list(triples), [])
    problems = check({iri: triples})
    said = without_flat_facts(iri, triples)
    if problems:
        return Facts([*said, *(Triple(iri, DEFECT, Literal(str(p))) for p in problems)], problems)
    return Facts(unique([*said, *flat_facts(device_of(iri, triples))]), [])


def kept(
    iri: NamedNode, triples: Sequence[Triple], content: Mapping[str, Any] | None,
    created: datetime, modified: datetime, expires: datetime | None = None,
    ttl: float | None = None,
) -> list[Triple]:  # fmt: skip
    """The graph of a thing. ``content``: its Thing Description, None where it has none in JSON.
    ``expires``: when the registration ends, ``ttl`` seconds after ``modified`` where that is given.
    """
    if content is None:
        return unique(triples)
    said = {name: value for name, value in content.items() if name != "registration"}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    node = BlankNode(f"r{sha256(iri.value.encode()).hexdigest()[:20]}")
    return unique([
        *triples,
        Triple(iri, TYPE, THING),
        Triple(iri, DOCUMENT, Literal(text)),
        Triple(iri, HAS_REGISTRATION, node),
        Triple(node, TYPE, _REGISTRATION),
        Triple(node, CREATED, moment(created)),
        Triple(node, MODIFIED, moment(modified)),
        *([] if expires is None else [Triple(node, EXPIRES, moment(expires))]),
        *([] if ttl is None else [Triple(node, TTL, _seconds(ttl))]),
    ])  # fmt: skip


def stored_thing(iri: NamedNode, triples: Sequence[Triple]) -> StoredThing | None:
    """From its graph; None where there is no Thing Description in it."""
    about = Description(triples)
    text = about.text(iri, DOCUMENT)
    if text is None:
        return None
    registrations = about.nodes(iri, HAS_REGISTRATION)
    times = [
        next((t for node in registrations if (t := about.text(node, name))), None)
        for name in (CREATED, MODIFIED)
    ]
    created, modified = (None if t is None else datetime.fromisoformat(t) for t in times)
    return StoredThing(iri.value, json.loads(text), created, modified)


def names_of_things(store: GraphStore) -> list[str]:
    """The IRIs of those with a Thing Description in JSON, in order of code points."""
    rows = store.select(f"SELECT ?thing {{ GRAPH ?thing {{ ?thing {DOCUMENT} [] }} }}")
    return sorted({row["thing"].value for row in rows})


def moment(time: datetime) -> Literal:
    """An xsd:dateTime in UTC."""
    text = time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Literal(text, datatype=_DATE_TIME)


def _seconds(time: float) -> Literal:
    return Literal(int(time) if time == int(time) else time)


def unique(triples: Sequence[Triple]) -> list[Triple]:
    """Each once, in their order."""
    return list(dict.fromkeys(triples))


def without_reserved(triples: Sequence[Triple]) -> list[Triple]:
    """Without what the registry alone says of a thing."""
    return [t for t in triples if t.predicate not in (DOCUMENT, DEFECT, HAS_REGISTRATION)]
