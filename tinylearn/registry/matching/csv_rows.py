"""Rows of SPARQL 1.1 Query Results CSV."""

from __future__ import annotations

import csv
import io


def table_of(text: bytes) -> list[list[str]]:
    """The rows without the header."""
    return list(csv.reader(io.StringIO(text.decode(), newline="")))[1:]


def columns_of(text: bytes, width: int) -> list[tuple[str, ...]]:
    """The same by column; ``width``: how many there are, should there be no row."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""))
    next(reader)
    columns = list(zip(*reader, strict=True))
    return columns or [()] * width
