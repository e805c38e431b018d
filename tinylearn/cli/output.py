"""Results on stdout (tables, or JSON with --json), progress on stderr and only on a terminal."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int, total: int, more: str = "") -> None:
        """``more`` follows the title."""


def print_json(content: Any) -> None:
    """One JSON value, keys sorted; NaN and infinity as null, which JSON does not have."""
    print(json.dumps(_finite(content), indent=2, sort_keys=True, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table; columns whose name starts with '>' are aligned to the right.

    Nothing is ever cut off, however narrow the terminal. Columns without any name: no header.
    """
    cells = [[plain(number(cell)) for cell in row] for row in rows]
    names = [column.removeprefix(">") for column in columns]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    right = [column.startswith(">") for column in columns]
    if title:
        print(title)
    for row in [names, *cells] if any(names) else cells:
        print(_line(row, widths, right))


def plain(text: str) -> str:
    """Without what moves a terminal's cursor or changes its colours: a title may be a stranger's."""
    return _CONTROL.sub(" ", text)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        text.rjust(width) if to_right else text.ljust(width)
        for text, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(aligned).rstrip()


def number(cell: object) -> str:
    """A cell as text: thousands separated, small floats short."""
    if isinstance(cell, bool):
        return "yes" if cell else ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def watched(args: argparse.Namespace) -> bool:
    """Whether a person is looking at stderr and wants to see how far it is."""
    return not args.quiet and not args.json and sys.stderr.isatty()


def progress(items: Iterable[T], total: int, title: str, args: argparse.Namespace) -> Iterator[T]:
    """The items, with a progress bar on stderr where a person is looking."""
    if not watched(args):
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        items, total=total, description=title, console=Console(stderr=True), transient=True
    )


@contextmanager
def progress_bar(title: str, args: argparse.Namespace) -> Iterator[Advance | None]:
    """A function of (done, total, and what else the bar says) that moves a bar on stderr; None where
    nobody is looking."""
    if not watched(args):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total, more="": bar.update(
            task, completed=done, total=total, description=title + more
        )


def note(text: str, args: argparse.Namespace) -> None:
    """A line on stderr where a person is looking."""
    if watched(args):
        print(text, file=sys.stderr)
