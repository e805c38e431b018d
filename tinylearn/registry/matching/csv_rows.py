"""Rows of SPARQL 1.1 Query Results CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator


def table_of(text: bytes) -> list[list[str]]:
    """The rows without the header."""
    return list(_rows(text))


def columns_of(text: bytes, width: int) -> list[tuple[str, ...]]:
    """The same by column; ``width``: how many there are, should there be no row."""
    columns = list(zip(*_rows(text), strict=True))
    return columns or [()] * width


def _rows(text: bytes) -> Iterator[list[str]]:
    """A field may be as long as the text: with the module's own limit one long literal would keep
    everything else from being read."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text.decode(), newline=""))
    next(reader)
    return reader
