"""JSON that nobody has vouched for: bounded in size, depth and numbers, each name once (RFC 8259).

Python's parser lets NaN, repeated names and lone surrogates pass; what it makes of them is marked
while it reads and found again in the result, so that each complaint names its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tinylearn.registry.td.problems import InvalidThingError, Path, Problem, problem, shown

MOST_BYTES = 1 << 20
MOST_DEPTH = 64
MOST_CONTAINERS = 5_000
MOST_VALUES = 50_000
_MOST_DIGITS = 309  # of the largest number that a double holds
# a string that never ends is one token too: no second try from each quote in it; (?!) as in nesting.py
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.|(?!))*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(data: bytes | str) -> tuple[Any, str]:
    """The value and its text. Raises InvalidThingError."""
    text = _text(data)
    if not text.strip():
        raise _refusal("$", "is empty; write a JSON object")
    _check_shape(text)
    reader = _Reader()
    try:
        value = json.loads(
            text,
            object_pairs_hook=reader.members,
            parse_int=reader.integer,
            parse_float=reader.double,
            parse_constant=reader.constant,
        )
    except json.JSONDecodeError as error:
        raise _refusal(f"line {error.lineno}", f"is not JSON: {error.msg}") from None
    problems = list(reader.problems(value))
    if problems:
        raise InvalidThingError(problems)
    return value, text


def _refusal(field: str, message: str) -> InvalidThingError:
    return InvalidThingError([Problem(field, message)])


def _text(data: bytes | str) -> str:
    """UTF-8, with or without a byte order mark, within the limit."""
    most = f"is larger than {MOST_BYTES:,} bytes; describe the Thing in less"
    if len(data) > MOST_BYTES:
        raise _refusal("$", most)
    try:
        if isinstance(data, bytes):
            return data.decode("utf-8-sig")
        if len(data.encode()) > MOST_BYTES:
            raise _refusal("$", most)
    except UnicodeError:
        raise _refusal("$", "is not UTF-8; encode it so (RFC 8259, section 8.1)") from None
    return data.removeprefix("\ufeff")


def _check_shape(text: str) -> None:
    """Counts brackets and commas before any parser sees them."""
    depth = containers = commas = 0
    for match in _TOKENS.finditer(text):
        if (token := match.group()) == ",":
            commas += 1
        elif token in "]}":
            depth -= 1
        elif token in "[{":
            depth, containers = depth + 1, containers + 1
        if depth > MOST_DEPTH:
            raise _refusal("$", f"is nested more than {MOST_DEPTH} levels deep; flatten it")
        if containers > MOST_CONTAINERS:
            raise _refusal("$", f"has more than {MOST_CONTAINERS:,} objects and arrays; split it")
        if commas >= MOST_VALUES:
            raise _refusal("$", f"has more than {MOST_VALUES:,} values; split it")


class _Marked:
    """Stands for a value that JSON does not have."""


class _Reader:
    """The parser's hooks, and what they noticed, by the identity of the value."""

    def __init__(self) -> None:
        self.noticed: dict[int, tuple[object, str | None, str]] = {}

    def _notice(self, value: Any, name: str | None, message: str) -> Any:
        self.noticed[id(value)] = (value, name, message)  # the value is kept, so its id is its own
        return value

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; a name that comes twice is noticed."""
        value = dict(pairs)
        if len(value) < len(pairs):
            names: set[str] = set()
            twice = next(name for name, _ in pairs if name in names or names.add(name))  # type: ignore[func-returns-value]
            self._notice(value, twice, "is there more than once; give each name one value")
        return value

    def integer(self, digits: str) -> Any:
        """An int of bounded length."""
        if len(digits.lstrip("-")) > _MOST_DIGITS:
            return self._notice(
                _Marked(), None, f"has {len(digits):,} digits; use at most {_MOST_DIGITS}"
            )
        return int(digits)

    def double(self, digits: str) -> Any:
        """A finite float."""
        value = float(digits)
        if abs(value) == float("inf"):
            return self._notice(
                _Marked(), None, f"is too large a number ({shown(digits)}); use a double"
            )
        return value

    def constant(self, name: str) -> Any:
        """NaN and Infinity are not JSON."""
        return self._notice(_Marked(), None, f"is {name}, which is not JSON; leave it out")

    def problems(self, value: Any, path: Path = ()) -> Iterator[Problem]:
        """Where in the result the noticed is, and strings that have no UTF-8 form."""
        if id(value) in self.noticed:
            _, name, message = self.noticed[id(value)]
            yield problem(path if name is None else (*path, name), message)
        if isinstance(value, str):
            yield from _surrogates(value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.problems(item, (*path, index))
        elif isinstance(value, dict):
            for name, item in value.items():
                yield from _surrogates(name, path)
                yield from self.problems(item, (*path, name))


def _surrogates(text: str, path: Path) -> Iterator[Problem]:
    if not text.isascii() and _SURROGATE.search(text):
        yield problem(path, "has half of a surrogate pair; write the whole character")
