"""Thing Descriptions as untrusted input: read, validated, turned into RDF and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import Triple

from tinylearn.registry.td.from_rdf import td_of_triples
from tinylearn.registry.td.json_text import MOST_DEPTH, read_json
from tinylearn.registry.td.messages import kind_of
from tinylearn.registry.td.problems import InvalidThingError, Problem
from tinylearn.registry.td.rules import RULES
from tinylearn.registry.td.rules.thing_models import model_problems
from tinylearn.registry.td.schema import schema_problems
from tinylearn.registry.td.to_rdf import Mapped, map_to_rdf

__all__ = ["InvalidThingError", "Problem", "ThingDescription", "check_td", "parse_td", "td_of_triples",
           "to_triples"]  # fmt: skip

_NOBODY = "urn:tinylearn:anonymous"


@dataclass(frozen=True)
class ThingDescription:
    """A valid one. ``id``: None where it is anonymous; to give it one, change ``content`` and
    ``check_td`` that. ``text``: as it came. ``notes``: what is kept but not in RDF, and why.
    ``mapped``: what it says in RDF.
    """

    id: str | None
    title: str
    content: dict[str, Any]
    text: str
    notes: tuple[str, ...] = ()
    mapped: Mapped = field(default_factory=Mapped, repr=False, compare=False)


def parse_td(data: bytes | str) -> ThingDescription:
    """Reads JSON that nobody has vouched for, as a Thing Description 1.1 or 1.0.

    Raises InvalidThingError, which names each field that is wrong.
    """
    content, text = read_json(data)
    if not isinstance(content, dict):
        raise InvalidThingError([Problem("$", f"must be an object, it is {kind_of(content)}")])
    problems = (
        model_problems(content)
        or schema_problems(content)
        or [found for rule in RULES for found in rule(content)]
    )
    if problems:
        raise InvalidThingError(problems)
    mapped = map_to_rdf(content, content.get("id", _NOBODY))
    return ThingDescription(
        content.get("id"), content["title"], content, text, mapped.notes, mapped
    )


def check_td(content: dict[str, Any]) -> ThingDescription:
    """The same for parsed JSON, after a merge patch for one."""
    try:
        text = json.dumps(content, ensure_ascii=False)
    except RecursionError:
        message = f"is nested more than {MOST_DEPTH} levels deep; flatten it"
        raise InvalidThingError([Problem("$", message)]) from None
    return parse_td(text)


def to_triples(td: ThingDescription) -> list[Triple]:
    """What the TD ontology makes of it, about ``td.id``; blank nodes are the same each time."""
    if td.id is None:
        raise InvalidThingError(
            [Problem("$.id", "is missing; only a Thing with an id is described in RDF")]
        )
    return list(td.mapped.triples)
