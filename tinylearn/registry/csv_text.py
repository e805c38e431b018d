"""Rows as SPARQL 1.1 Query Results CSV, also where the engine's own is none: it puts IRIs out as they are,
and in an IRI a comma may stand (RFC 3986; in every ``tag:`` one does). Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from pyoxigraph import BlankNode, QueryResultsFormat, QuerySolutions


def csv_of(solved: Callable[[], QuerySolutions]) -> bytes:
    """By the engine, where no term has to become a Python object. ``solved`` is called again where what the
    engine has written has too many commas."""
    found = solved()
    width = len(found.variables)
    text = found.serialize(format=QueryResultsFormat.CSV) or b""
    return text if _has_columns(text, width) else _by_row(solved())


def _has_columns(text: bytes, width: int) -> bool:
    """Whether as many commas are left as there are between columns when all that is quoted is left out."""
    plain = b"".join(text.split(b'"')[::2])
    return plain.count(b",") == plain.count(b"\r\n") * max(0, width - 1)


def _by_row(found: QuerySolutions) -> bytes:
    names = [variable.value for variable in found.variables]
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(names)
    lines.writerows(_cells(found, names))
    return out.getvalue().encode()


def _cells(found: QuerySolutions, names: list[str]) -> Iterator[list[str]]:
    for row in found:
        terms = [row[name] for name in names]
        yield [_cell(term) for term in terms]


def _cell(term: object) -> str:
    """A term without its kind, language and type; a blank node with the mark of one."""
    if isinstance(term, BlankNode):
        return str(term)
    return "" if term is None else str(getattr(term, "value", term))
