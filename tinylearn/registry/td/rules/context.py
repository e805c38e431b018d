"""The members of @context: which come first, and what may follow (TD 1.1, section 5.3.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinylearn.registry.td.messages import CONTEXT, CONTEXT_1_0
from tinylearn.registry.td.parts import Object, listed
from tinylearn.registry.td.problems import Path, Problem, problem, shown
from tinylearn.registry.td.syntax import is_language_tag, is_uri_text

_FETCHED = ("http:", "https:", "urn:")
_DIRECTIONS = ("ltr", "rtl", None)


def order(td: Object) -> Iterator[Problem]:
    """That of 1.1 first, or that of 1.0 and then it: a consumer takes its version from there."""
    context = listed(td["@context"])
    first = context[0] if context else None
    standard = [CONTEXT_1_0, CONTEXT] if first == CONTEXT_1_0 else [CONTEXT]
    if first not in standard:
        yield problem(("@context", 0), f'must be "{CONTEXT}", it is {shown(first)}')
        return
    for index, entry in enumerate(context):
        if entry in (CONTEXT, CONTEXT_1_0) and entry not in standard[index : index + 1]:
            yield problem(("@context", index), f"is {entry}, whose place is before all others, and that "
                          "of 1.0 before 1.1")  # fmt: skip


def entries(td: Object) -> Iterator[Problem]:
    """URLs, and objects of prefixes and terms."""
    several = isinstance(td["@context"], list)
    for index, entry in enumerate(listed(td["@context"])):
        path: Path = ("@context", index) if several else ("@context",)
        if isinstance(entry, dict):
            yield from _terms(path, entry)
        elif not (isinstance(entry, str) and entry.startswith(_FETCHED) and is_uri_text(entry)):
            yield problem(path, f"is {shown(entry)}; name a context by its https: URL, or write its "
                          "terms here as an object")  # fmt: skip


def _terms(path: Path, terms: dict[str, Any]) -> Iterator[Problem]:
    for name, value in terms.items():
        here = (*path, name)
        if name == "@language" and not (
            value is None or (isinstance(value, str) and is_language_tag(value))
        ):
            yield problem(here, f"is {shown(value)}; use a language tag of BCP 47, such as en")
        elif name == "@direction" and value not in _DIRECTIONS:
            yield problem(here, f"is {shown(value)}; use ltr, rtl or null")
        elif not name.startswith("@") and not isinstance(value, str | dict | type(None)):
            yield problem(here, f"is {shown(value)}; give the IRI that {shown(name)} stands for")


RULES = (order, entries)
