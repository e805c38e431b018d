"""A Thing Description that a client sends: checked, and made ready to be kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import NamedNode, Triple

from tinylearn.directory.ids import is_iri
from tinylearn.directory.problem import FieldError, invalid
from tinylearn.directory.registration import Wish, split
from tinylearn.registry.td.document import parse_td, to_triples
from tinylearn.registry.td.json_text import read_json
from tinylearn.registry.things import with_facts, without_reserved


@dataclass(frozen=True)
class Submission:
    """``content``: with ``id``, without ``registration``; ``triples``: the same in RDF."""

    id: str
    content: Mapping[str, Any]
    wish: Wish
    triples: Sequence[Triple]


def of_body(data: bytes, local_id: str) -> Submission:
    """A body for POST: an anonymous thing gets ``local_id``. Raises BadInputError, ProblemError."""
    content = _parsed(data)
    if "id" in content:
        what = "must be absent in POST; PUT a thing that has an id to /things/{id}"
        raise invalid([FieldError("$.id", what)])
    return _checked({"id": local_id, **content})


def of_body_at(data: bytes, identifier: str) -> tuple[Submission, bool]:
    """A body for PUT, and whether it names itself. Raises BadInputError, ProblemError where it is
    of another thing."""
    if not is_iri(identifier):
        what = f"{identifier!r} in the address is not an absolute IRI, such as urn:uuid:..."
        raise invalid([FieldError("$.id", what)])
    content = _parsed(data)
    said = content.get("id", identifier)
    if said != identifier:
        raise invalid([FieldError("$.id", f"is {said!r}, but the address says {identifier!r}")])
    return _checked({"id": identifier, **content}), "id" in content


def of_content(content: Mapping[str, Any], identifier: str) -> Submission:
    """What a patch makes of a thing. Raises BadInputError, ProblemError."""
    if content.get("id") != identifier:
        raise invalid([FieldError("$.id", "cannot be changed; register another thing instead")])
    return _checked(content)


def _parsed(data: bytes) -> dict[str, Any]:
    content, _ = read_json(data)
    if not isinstance(content, dict):
        raise invalid([FieldError("$", "is not an object")])
    return content


def _checked(content: Mapping[str, Any]) -> Submission:
    rest, wish = split(content)
    td = parse_td(json.dumps(rest, ensure_ascii=False, separators=(",", ":")))
    iri = NamedNode(str(td.id))
    facts = with_facts(iri, without_reserved(to_triples(td)))
    if facts.problems:
        what = "its hardware is not valid: " + "; ".join(map(str, facts.problems[:3]))
        raise invalid([FieldError(p.part or "(root)", p.message) for p in facts.problems], what)
    return Submission(iri.value, rest, wish, facts.triples)
