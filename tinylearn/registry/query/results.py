"""Answers as bytes, within their bounds: written by the engine, counted here."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import islice

from pyoxigraph import (
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Triple,
    parse_query_results,
    serialize,
)

from tinylearn.registry.query.errors import QueryTooLargeError
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.vocabulary import PREFIXES

Result = QuerySolutions | QueryBoolean | QueryTriples
#: of a row in JSON, with the comma
_LEAST_ROW_BYTES = 3
_PREFIXED = (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML)


class _Bounded(io.RawIOBase):
    """Takes bytes, to a limit."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._size += len(part)
        if self._size > self._most:
            raise QueryTooLargeError(
                f"the answer has more than {self._most:,} bytes; ask for less, or with a LIMIT"
            )
        self._parts.append(part)
        return len(part)

    def content(self) -> bytes:
        return b"".join(self._parts)


def rendered(result: Result, kind: QueryResultsFormat | RdfFormat, limits: Limits) -> bytes:
    """A result in a format that fits it; raises QueryTooLargeError."""
    if isinstance(result, QueryTriples):
        assert isinstance(kind, RdfFormat)
        return triples_in(result, kind, limits)
    assert isinstance(kind, QueryResultsFormat)
    if isinstance(result, QueryBoolean):
        return result.serialize(format=kind) or b""
    json = _written(result, QueryResultsFormat.JSON, limits)
    return rows_in(json, kind, limits)


def rows_in(json: bytes, kind: QueryResultsFormat, limits: Limits) -> bytes:
    """Rows in SPARQL's JSON, in another format; raises QueryTooLargeError, or SyntaxError where it is
    not that."""
    if len(json) > _LEAST_ROW_BYTES * limits.rows:
        _check_count(_solutions(json), limits)
    if kind == QueryResultsFormat.JSON:
        return json
    return _written(_solutions(json), kind, limits)


def triples_in(triples: Iterable[Triple], kind: RdfFormat, limits: Limits) -> bytes:
    """Triples in a format; raises QueryTooLargeError."""
    found = list(islice(triples, limits.rows + 1))
    if len(found) > limits.rows:
        raise QueryTooLargeError(
            f"the answer has more than {limits.rows:,} triples; ask for less, or with a LIMIT"
        )
    out = _Bounded(limits.answer_bytes)
    serialize(found, out, kind, prefixes=PREFIXES if kind in _PREFIXED else None)
    return out.content()


def _solutions(json: bytes) -> QuerySolutions:
    found = parse_query_results(json, format=QueryResultsFormat.JSON)
    assert isinstance(found, QuerySolutions)
    return found


def _check_count(solutions: QuerySolutions, limits: Limits) -> None:
    count = sum(1 for _ in islice(solutions, limits.rows + 1))
    if count > limits.rows:
        raise QueryTooLargeError(
            f"the answer has more than {limits.rows:,} rows; ask for less, or with a LIMIT"
        )


def _written(solutions: QuerySolutions, kind: QueryResultsFormat, limits: Limits) -> bytes:
    out = _Bounded(limits.answer_bytes)
    solutions.serialize(out, kind)
    return out.content()
