"""What is wrong with a Thing Description, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinylearn.errors import BadInputError

MOST_PROBLEMS = 100
_SHOWN = 5
_LONGEST = 80
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """``field``: a JSON path such as ``$.properties.status.forms[0].href``, or ``line 7`` of a text
    that is no JSON. ``message``: what is wrong there and what to do."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidThingError(BadInputError):
    """A description that breaks the standard; ``problems`` has at least one entry."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems[:MOST_PROBLEMS])
        more = len(self.problems) - _SHOWN
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        shown += [f"and {more} more"] if more > 0 else []
        super().__init__("the Thing Description is not valid: " + "; ".join(shown))


def json_path(path: Iterable[str | int]) -> str:
    """``("forms", 0, "href")`` as ``$.forms[0].href``."""
    return "$" + "".join(_step(part) for part in path)


def problem(path: Path, message: str) -> Problem:
    """A problem of the value at ``path``."""
    return Problem(json_path(path), message)


def shown(value: object) -> str:
    """A value in a message: cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN.match(part) and len(part) <= _LONGEST else f"[{shown(part)}]"
