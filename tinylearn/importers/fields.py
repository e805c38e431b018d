"""Checked access to the values of a layer's config, which come from an untrusted file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from tinylearn.errors import BadInputError, UnsupportedError

#: largest size, stride or channel count, and the most elements a tensor may have
MAX_ELEMENTS = 1 << 24
MAX_NAME = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]")


def safe_name(name: object, what: str = "layer") -> str:
    """A name from a file in letters, digits and ``_ . -`` only, of bounded length."""
    if not isinstance(name, str) or not name:
        raise BadInputError(f"the config has a {what} without a name")
    if len(name) > MAX_NAME:
        raise BadInputError(
            f"{what} {shown(name)}: the name has {len(name)} characters; "
            f"at most {MAX_NAME} are allowed"
        )
    return _UNSAFE.sub("_", name)


def shown(value: object) -> str:
    """A value from a file as it may appear in a message."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """The config of one layer; every error names the layer and the field."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self.values = values

    def wrong(self, name: str, expected: str) -> NoReturn:
        """Raise BadInputError about a field."""
        value = shown(self.values.get(name))
        raise BadInputError(f"{self.where}: {name} must be {expected}, is {value}")

    def unsupported(self, name: str, supported: str) -> NoReturn:
        """Raise UnsupportedError about a field whose value is valid in Keras."""
        value = shown(self.values.get(name))
        raise UnsupportedError(f"{self.where}: {name}={value} is not supported; {supported}")

    def get(self, name: str, default: Any = None) -> Any:
        """The raw value; ``default`` where it is absent or null."""
        value = self.values.get(name)
        return default if value is None else value

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        """An integer of at least ``low``."""
        value = self.get(name, default)
        if not _is_size(value, low):
            self.wrong(name, f"an integer from {low} to {MAX_ELEMENTS}")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        value = self.get(name, default)
        if not isinstance(value, bool):
            self.wrong(name, "true or false")
        return value

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self.get(name, default)
        if not isinstance(value, str):
            self.wrong(name, "a string")
        return value

    def number(self, name: str, default: float) -> float:
        """A finite number."""
        value = self.get(name, default)
        if not is_number(value):
            self.wrong(name, "a finite number")
        return float(value)

    def sizes(
        self, name: str, count: int, default: int | None = None, low: int = 1
    ) -> tuple[int, ...]:
        """``count`` integers, given as a list or as one integer for all."""
        value = self.get(name, default)
        values = value if isinstance(value, list) else [value] * count
        if len(values) != count or not all(_is_size(v, low) for v in values):
            self.wrong(name, f"{count} integers from {low} to {MAX_ELEMENTS}")
        return tuple(values)

    def one_of(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """A string that must be one of ``known``."""
        value = self.text(name, default).lower()
        if value not in known:
            self.unsupported(name, f"supported: {', '.join(known)}")
        return value


def is_number(value: object) -> bool:
    """Whether a JSON value is a number that float32 can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 3.4e38


def _is_size(value: object, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= MAX_ELEMENTS
