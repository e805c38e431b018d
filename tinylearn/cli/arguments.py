"""Types of command-line arguments. Each says in words what it wants."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError


def _whole(text: str, least: int, wanted: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ArgumentTypeError(f"{text!r} is not {wanted}")
    return value


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1, "a whole number from 1 on")


def natural(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0, "a whole number from 0 on")


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def positive_real(text: str) -> float:
    """A finite number above 0."""
    value = _real(text)
    if not 0 < value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def not_negative(text: str) -> float:
    """A finite number from 0 on."""
    value = _real(text)
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return value
