"""Sizes and sensors as people say them."""

from __future__ import annotations

import re

from tinylearn.registry.names import short

_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 1000))
#: the words of a local name: CamelCase, snake_case and kebab-case
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_LONGEST = 60


def size(count: int) -> str:
    """Bytes to four digits: ``188 kB``, ``16.07 kB``, ``68 B``. A kB is 1000 bytes."""
    for unit, factor in _UNITS:
        if count >= factor:
            return f"{_digits(count / factor)} {unit}"
    return f"{count} B"


def _digits(value: float) -> str:
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e" in text else text


def sensor(iri: str) -> str:
    """A sensor class in lower case: ``microphone``, ``light sensor``."""
    name = short(iri)
    return (" ".join(_WORD.findall(name)).lower() or name)[:_LONGEST]


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))
