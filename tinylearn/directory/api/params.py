"""Parameters of addresses, each within its bounds."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import QueryParams

from tinylearn.directory.ids import is_iri
from tinylearn.directory.problem import ProblemError

Choice = TypeVar("Choice", bound=StrEnum)
_LONGEST_IRI, _LONGEST_TEXT = 2048, 200
_MOST = 10**9


def count(params: QueryParams, name: str, default: int, most: int = _MOST) -> int:
    """A whole number from 0 to ``most``; raises ProblemError."""
    text = params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ProblemError(400, f"{name} is a whole number of at least 0")
    return min(int(text), most)


def iri(params: QueryParams, name: str) -> str | None:
    """An absolute IRI; raises ProblemError."""
    text = params.get(name)
    if not text:
        return None
    if len(text) > _LONGEST_IRI or not is_iri(text):
        raise ProblemError(400, f"{name} is not an IRI, such as urn:uuid:...")
    return text


def needed_iri(params: QueryParams, name: str) -> str:
    """One that must be there."""
    found = iri(params, name)
    if found is None:
        raise ProblemError(400, f"which one? give its IRI as {name}")
    return found


def text(params: QueryParams, name: str) -> str:
    """A few words."""
    return params.get(name, "")[:_LONGEST_TEXT]


def choice(params: QueryParams, name: str, default: Choice) -> Choice:
    """One of an enumeration; raises ProblemError."""
    given = params.get(name) or default
    try:
        return type(default)(given)
    except ValueError:
        there = ", ".join(type(default))
        raise ProblemError(400, f"{name} is one of {there}") from None


def flag(params: QueryParams, name: str) -> bool:
    """``true`` or not."""
    return params.get(name) == "true"
