"""Rows of an answer as a table for people."""

from __future__ import annotations

from pyoxigraph import (
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    parse_query_results,
)

from tinylearn.registry.vocabulary import PREFIXES, XSD

_INTEGERS = frozenset(XSD + name for name in ("integer", "int", "long", "nonNegativeInteger"))
_NUMBERS = _INTEGERS | {XSD + name for name in ("decimal", "double", "float")}
Cell = str | int


def table(json: bytes) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows of an answer in SPARQL's JSON: IRIs by their prefixes, integers as such."""
    found = parse_query_results(json, format=QueryResultsFormat.JSON)
    if isinstance(found, QueryBoolean):
        return [""], [["yes" if found else "no"]]
    columns = [variable.value for variable in found.variables]
    rows = [[_cell(row[name]) for name in columns] for row in found]
    numeric = [
        bool(rows) and all(isinstance(row[i], int) for row in rows) for i in range(len(columns))
    ]
    return [">" * right + name for name, right in zip(columns, numeric, strict=True)], rows


def _cell(term: object) -> Cell:
    if term is None:
        return ""
    if isinstance(term, NamedNode):
        return _short(term.value)
    if isinstance(term, Literal):
        return _number(term) if term.datatype.value in _INTEGERS else _printable(term.value)
    return str(term)


def _number(term: Literal) -> Cell:
    try:
        return int(term.value) if len(term.value) <= 20 else term.value
    except ValueError:
        return _printable(term.value)


def _short(iri: str) -> str:
    """The namespace that fits best; whole where a name would not be one."""
    fitting = [(space, name) for name, space in PREFIXES.items() if iri.startswith(space)]
    space, name = max(fitting, default=("", ""), key=lambda pair: len(pair[0]))
    local = iri[len(space) :]
    plain = local.replace("_", "").replace("-", "").isalnum()
    return f"{name}:{local}" if space and plain else _printable(iri)


def _printable(text: str) -> str:
    """On one line, and nothing that a terminal takes as a command."""
    return "".join(c if c.isprintable() else " " for c in text)
