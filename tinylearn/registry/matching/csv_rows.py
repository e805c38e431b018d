"""Rows of SPARQL 1.1 Query Results CSV."""

from __future__ import annotations

import csv
import io


def table_of(text: bytes) -> list[list[str]]:
    """The rows without the header."""
    return list(csv.reader(io.StringIO(text.decode(), newline="")))[1:]
