"""Dataclasses from plain values, as JSON has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from tinylearn.errors import BadInputError

T = TypeVar("T")


def typed(kind: Callable[..., T], values: dict[str, Any]) -> T:
    """A dataclass whose fields are classes, or unions of them. Raises BadInputError where a value
    has another type than its field, or no field."""
    hints = get_type_hints(kind)
    for name, value in values.items():
        if name not in hints:
            raise BadInputError(f"{name[:40]!r} is not known")
        if not _is(value, hints[name]):
            wanted = getattr(hints[name], "__name__", hints[name])
            raise BadInputError(f"{name}: {str(value)[:40]!r} is not of type {wanted}")
    return kind(**values)


def _is(value: Any, wanted: Any) -> bool:
    """A bool is no number here, and a whole number is a float."""
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, float | int if wanted is float else wanted)
