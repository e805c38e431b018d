"""Finds which part of a document a parser stumbles on, where it does not say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinylearn.registry.td.problems import Path

_MOST_TRIES = 100
_MOST_SIBLINGS = 50


def culprit(document: dict[str, Any], is_good: Callable[[dict[str, Any]], bool]) -> Path:
    """The path of the innermost part without which the document is good; the root where no single
    part is to blame, or that is too much to find out."""
    path: Path = ()
    tries = _MOST_TRIES
    while True:
        names = _names(_at(document, path))
        tries -= len(names)
        if len(names) > _MOST_SIBLINGS or tries < 0:
            return path
        guilty = [name for name in names if is_good(_without(document, (*path, name)))]
        if not guilty:
            return path
        # without a definition a word means nothing: whoever uses it is asked first
        path = (*path, min(guilty, key=lambda name: name == "@context"))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _names(value: Any) -> list[str | int]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _without(value: Any, path: Path) -> Any:
    """A copy that lacks what is at the path; an item of an array becomes null, so that others stay."""
    first, rest = path[0], path[1:]
    if isinstance(value, list):
        return [(_without(item, rest) if rest else None) if index == first else item
                for index, item in enumerate(value)]  # fmt: skip
    if not rest:
        return {name: item for name, item in value.items() if name != first}
    return {name: _without(item, rest) if name == first else item for name, item in value.items()}
