"""Rows of SPARQL 1.1 Query Results CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence


def table_of(text: bytes) -> list[list[str]]:
    """The rows without the header. A field may be as long as the text: with the module's own limit one
    long literal would keep everything else from being read."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    return list(csv.reader(io.StringIO(text.decode(), newline="")))[1:]


def columns_of(text: bytes, width: int) -> list[Sequence[str]]:
    """The same by column, of which there are ``width``."""
    decoded = text.decode()
    if '"' in decoded:
        return list(zip(*table_of(text), strict=True)) or [()] * width
    # nothing is quoted, so no comma or line ends within a value; several times as fast
    cells = decoded.replace("\r\n", ",").split(",")
    return [cells[width + column : -1 : width] for column in range(width)]
