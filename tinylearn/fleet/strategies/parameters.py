"""Parameters of strategies: from anywhere (command line, JSON) to a field's type, and their ranges."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from tinylearn.errors import UsageError


def checked_names(strategy: str, given: Collection[str], known: Collection[str]) -> None:
    """Raises UsageError for the first name that the strategy does not have."""
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}? " if close else ""
            has = ", ".join(sorted(known)) or "none"
            raise UsageError(f"strategy {strategy}: no parameter {name}; {hint}it has {has}")


def converted(strategy: str, values: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """The values as their fields want them: "int" or "float", of numbers or their text."""
    return {name: _number(strategy, name, value, kinds[name]) for name, value in values.items()}


def _number(strategy: str, name: str, value: Any, kind: str) -> int | float:
    wanted = "a whole number" if kind == "int" else "a number"
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
        if math.isfinite(number) and (kind == "float" or number.is_integer()):
            return int(number) if kind == "int" else number
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"strategy {strategy}: parameter {name} is {value!r}; give {wanted}")


class Ranges:
    """Checks a strategy's fields; each method raises UsageError that names the field."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy

    def whole(self, *names: str, least: int = 1, most: int = 2**31 - 1) -> None:
        """Integers from ``least`` to ``most``."""
        for name in names:
            value = self._value(name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            self._require(name, whole and least <= value <= most, f"from {least} to {most}, whole")

    def positive(self, *names: str, most: float = math.inf) -> None:
        """Finite numbers above 0, at most ``most``."""
        for name in names:
            limit = f" and at most {most:g}" if most < math.inf else ""
            fits = math.isfinite(self._value(name)) and 0 < self._value(name) <= most
            self._require(name, fits, f"above 0{limit}")

    def within(self, name: str, least: float, below: float) -> None:
        """A number from ``least`` up to but not including ``below``."""
        fits = least <= self._value(name) < below
        self._require(name, fits, f"at least {least:g} and below {below:g}")

    def _value(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def _require(self, name: str, fits: bool, wanted: str) -> None:
        if not fits:
            title = f"strategy {self._strategy.name}: parameter {name}"
            raise UsageError(f"{title} is {self._value(name)!r}; it must be {wanted}")
