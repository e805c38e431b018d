"""Links of a Thing (TD 1.1, sections 5.3.4.1 and 10.3)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.parts import Object
from tinylearn.registry.td.problems import Problem, problem, shown


def relations(td: Object) -> Iterator[Problem]:
    """One relation a link, and at most one link to the Thing Model that this is an instance of."""
    is_typed = False
    for index, link in enumerate(td.get("links", ())):
        path, relation = ("links", index, "rel"), link.get("rel", "")
        if len(relation.split()) > 1:
            yield problem(path, f"is {shown(relation)}; give each relation type a link of its own")
        if relation == "type" and is_typed:
            yield problem(
                path, "is type a second time; a Thing has one Thing Model, keep one link to it"
            )
        is_typed |= relation == "type"


RULES = (relations,)
