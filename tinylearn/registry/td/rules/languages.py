"""Texts in several languages: maps from language tags to strings (TD 1.1, section 5.3.1.8)."""

from __future__ import annotations

from collections.abc import Iterator

from tinylearn.registry.td.messages import kind_of
from tinylearn.registry.td.parts import Object, affordances, data_schemas
from tinylearn.registry.td.problems import Path, Problem, problem
from tinylearn.registry.td.syntax import is_language_tag


def tags(td: Object) -> Iterator[Problem]:
    """titles and descriptions wherever the standard has them."""
    owners: dict[Path, Object] = {(): td, **dict(affordances(td)), **dict(data_schemas(td))}
    for name, scheme in td["securityDefinitions"].items():
        owners["securityDefinitions", name] = scheme
    for path, owner in owners.items():
        for member in ("titles", "descriptions"):
            if member in owner:
                yield from _texts((*path, member), owner[member])


def _texts(path: Path, texts: object) -> Iterator[Problem]:
    if not isinstance(texts, dict):
        yield problem(path, f"must be an object, it is {kind_of(texts)}")
        return
    for tag, text in texts.items():
        if not is_language_tag(tag):
            yield problem((*path, tag), "is not a language tag of BCP 47, such as en or zh-Hans")
        if not isinstance(text, str):
            yield problem((*path, tag), f"must be a string, it is {kind_of(text)}")


RULES = (tags,)
