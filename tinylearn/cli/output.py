"""Results on stdout (tables, or JSON with --json), progress on stderr and only on a terminal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def print_json(content: Any) -> None:
    """One JSON object, keys sorted; NaN and infinity as null, which JSON does not have."""
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
    """A table; columns whose name starts with '>' are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(number(cell) for cell in row))
    wide = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, width=wide, highlight=False, markup=False, emoji=False).print(table)


def number(cell: object) -> str:
    """A cell as text: thousands separated, small floats short."""
    if isinstance(cell, bool):
        return "yes" if cell else ""
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def progress(items: Iterable[T], total: int, title: str, args: argparse.Namespace) -> Iterator[T]:
    """The items, with a progress bar on stderr where a person is looking."""
    if args.quiet or args.json or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        items, total=total, description=title, console=Console(stderr=True), transient=True
    )


def note(text: str, args: argparse.Namespace) -> None:
    """A line for people on stderr."""
    if not args.quiet and not args.json:
        print(text, file=sys.stderr)
