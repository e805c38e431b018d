"""A Thing Description that a client sends: checked, and made ready to be kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyoxigraph import Triple

from tinylearn.directory.ids import is_iri
from tinylearn.directory.problem import FieldError, invalid
from tinylearn.directory.registration import Wish, split
from tinylearn.registry.td.document import ThingDescription, check_td, parse_td, to_triples


@dataclass(frozen=True)
class Submission:
    """``content``: with ``id``, without ``registration``; ``triples``: the same in RDF."""

    id: str
    content: Mapping[str, Any]
    wish: Wish
    triples: Sequence[Triple]


def of_body(data: bytes, local_id: str) -> Submission:
    """A body for POST: an anonymous thing gets ``local_id``. Raises BadInputError, ProblemError."""
    td = parse_td(data)
    if td.id is not None:
        what = "must be absent in POST; PUT a thing that has an id to /things/{id}"
        raise invalid([FieldError("$.id", what)])
    return _ready(td, local_id)


def of_body_at(data: bytes, identifier: str) -> tuple[Submission, bool]:
    """A body for PUT, and whether it names itself. Raises BadInputError, ProblemError where it is
    of another thing."""
    if not is_iri(identifier):
        what = f"{identifier!r} in the address is not an absolute IRI, such as urn:uuid:..."
        raise invalid([FieldError("$.id", what)])
    td = parse_td(data)
    if td.id not in (None, identifier):
        raise invalid([FieldError("$.id", f"is {td.id!r}, but the address says {identifier!r}")])
    return _ready(td, identifier), td.id is not None


def of_content(content: Mapping[str, Any], identifier: str) -> Submission:
    """What a patch makes of a thing. Raises BadInputError, ProblemError."""
    if content.get("id") != identifier:
        raise invalid([FieldError("$.id", "cannot be changed; register another thing instead")])
    return _ready(check_td(dict(content)), identifier)


def _ready(td: ThingDescription, identifier: str) -> Submission:
    content, wish = split(td.content)
    if td.id is None:
        content = {"id": identifier, **content}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    named = replace(td, id=identifier, content=content, text=text)
    return Submission(identifier, content, wish, to_triples(named))
