"""A thing as the content of its named graph, and back from a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.directory.entry import Entry
from tinylearn.directory.registration import Registration, rfc3339
from tinylearn.registry.store.base import Row
from tinylearn.registry.vocabulary import DISCOVERY, TYPE, XSD, tl

_SCHEMA_ORG = "http://schema.org/"
DOCUMENT = tl("document")
HAS_REGISTRATION = NamedNode(DISCOVERY + "hasRegistrationInformation")
DATE_CREATED = NamedNode(_SCHEMA_ORG + "dateCreated")
DATE_MODIFIED = NamedNode(_SCHEMA_ORG + "dateModified")
EXPIRES = NamedNode(_SCHEMA_ORG + "expires")
TTL = NamedNode(DISCOVERY + "ttl")
_REGISTRATION = NamedNode(DISCOVERY + "RegistrationInformation")
_DATE_TIME = NamedNode(XSD + "dateTime")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: variables: thing, document, created, modified, expires, ttl
PATTERN = f"""
  GRAPH ?thing {{
    ?thing {DOCUMENT} ?document .
    OPTIONAL {{
      ?thing {HAS_REGISTRATION} ?registration .
      ?registration {DATE_CREATED} ?created ; {DATE_MODIFIED} ?modified .
      OPTIONAL {{ ?registration {EXPIRES} ?expires }}
      OPTIONAL {{ ?registration {TTL} ?ttl }}
    }}
  }}"""


def triples(entry: Entry, said: Sequence[Triple]) -> Iterator[Triple]:
    """``said``: the Thing Description in RDF."""
    thing, node = NamedNode(entry.id), BlankNode("registration")
    text = json.dumps(entry.content, ensure_ascii=False, separators=(",", ":"))
    yield from said
    yield Triple(thing, DOCUMENT, Literal(text))
    yield Triple(thing, HAS_REGISTRATION, node)
    yield Triple(node, TYPE, _REGISTRATION)
    yield from _times(node, entry.registration)


def _times(node: BlankNode, registration: Registration) -> Iterator[Triple]:
    yield Triple(node, DATE_CREATED, _moment(registration.created))
    yield Triple(node, DATE_MODIFIED, _moment(registration.modified))
    if registration.expires is not None:
        yield Triple(node, EXPIRES, _moment(registration.expires))
    if registration.ttl is not None:
        yield Triple(node, TTL, Literal(registration.ttl))


def entry(row: Row) -> Entry:
    """A row of PATTERN."""
    content = json.loads(row["document"].value)
    created = moment(row, "created") or _LONG_AGO
    modified = moment(row, "modified") or created
    ttl = float(row["ttl"].value) if "ttl" in row else None
    registration = Registration(created, modified, moment(row, "expires"), ttl)
    return Entry(row["thing"].value, content, registration)


def moment(row: Row, name: str) -> datetime | None:
    """A time in UTC."""
    return datetime.fromisoformat(row[name].value) if name in row else None


def _moment(value: datetime) -> Literal:
    return Literal(rfc3339(value), datatype=_DATE_TIME)
