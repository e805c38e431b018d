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


def real(text: str) -> float:
    """A finite number."""
    value = _real(text)
    if not math.isfinite(value):
        raise ArgumentTypeError(f"{text!r} is not a number")
    return value


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


def port(text: str) -> int:
    """A TCP port; 0 takes any that is free."""
    value = _whole(text, 0, "a port from 0 to 65535")
    if value > 65535:
        raise ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = _real(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return value


def shares(text: str) -> tuple[float, ...]:
    """Shares with commas between."""
    return tuple(share(part) for part in text.split(","))


def span(text: str) -> tuple[float, float]:
    """ "0.01,0.1": two numbers from 0 on, the larger one last."""
    ends = [_real(part) for part in text.split(",")]
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] < math.inf:
        raise ArgumentTypeError(f"{text!r} is not A,B with A up to B, both from 0 on")
    return ends[0], ends[1]


def words(text: str) -> tuple[str, ...]:
    """Words with commas between."""
    return tuple(part for part in (p.strip() for p in text.split(",")) if part)


def assignment(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def part(text: str) -> tuple[int, int]:
    """ "0/2": the first of two."""
    number, slash, count = text.partition("/")
    digits = number.isascii() and number.isdigit() and count.isascii() and count.isdigit()
    if not slash or not digits or int(number) >= int(count):
        raise ArgumentTypeError(f"{text!r} is not a part such as 0/2, the first of two")
    return int(number), int(count)
