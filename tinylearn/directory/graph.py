"""A thing as the content of its named graph, and back from a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pyoxigraph import NamedNode, Triple

from tinylearn.directory.entry import Entry
from tinylearn.directory.registration import Registration
from tinylearn.registry.store.base import Row
from tinylearn.registry.things import (
    CREATED,
    DOCUMENT,
    EXPIRES,
    HAS_REGISTRATION,
    MODIFIED,
    TTL,
    kept,
)
from tinylearn.registry.vocabulary import TD

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: variables: thing, document, created, modified, expires, ttl
PATTERN = f"""
  GRAPH ?thing {{
    ?thing {DOCUMENT} ?document .
    OPTIONAL {{
      ?thing {HAS_REGISTRATION} ?registration .
      ?registration {CREATED} ?created ; {MODIFIED} ?modified .
      OPTIONAL {{ ?registration {EXPIRES} ?expires }}
      OPTIONAL {{ ?registration {TTL} ?ttl }}
    }}
  }}"""

#: variables: thing, document
KEPT = f"GRAPH ?thing {{ ?thing {DOCUMENT} ?document }}"
#: by what things can be sorted, but for their id: variables thing, key
SORTS = {
    "title": f"?thing <{TD}title> ?key",
    "created": f"?thing {HAS_REGISTRATION} [ {CREATED} ?key ]",
    "modified": f"?thing {HAS_REGISTRATION} [ {MODIFIED} ?key ]",
    "expires": f"?thing {HAS_REGISTRATION} [ {EXPIRES} ?key ]",
}


def triples(entry: Entry, said: Sequence[Triple]) -> list[Triple]:
    """``said``: the Thing Description in RDF, and what follows from it."""
    about = entry.registration
    return kept(NamedNode(entry.id), said, entry.content, about.created, about.modified,
                about.expires, about.ttl)  # fmt: skip


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
