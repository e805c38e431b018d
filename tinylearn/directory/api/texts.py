"""Texts of others within bounds: a page of a list stays small, whatever somebody has written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

LINE, PARAGRAPH = 200, 4000


@overload
def clipped(text: str, most: int = LINE) -> str: ...
@overload
def clipped(text: None, most: int = LINE) -> None: ...
@overload
def clipped(text: str | None, most: int = LINE) -> str | None: ...
def clipped(text: str | None, most: int = LINE) -> str | None:
    """At most so many characters; what was longer ends in three dots."""
    return text if text is None or len(text) <= most else text[: most - 1] + "…"


def some(texts: Iterable[str], most: int = 20) -> list[str]:
    """The first of them, each clipped to a line and a half."""
    return [clipped(text, LINE + LINE // 2) for text in list(texts)[:most]]
