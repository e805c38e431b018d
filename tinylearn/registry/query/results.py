"""Answers as bytes, within their bounds: written by the engine, counted here."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Triple,
    parse_query_results,
    serialize,
)

from tinylearn.registry.csv_text import csv_of
from tinylearn.registry.query.errors import QueryRefusedError, QueryTooLargeError
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.vocabulary import PREFIXES, TYPE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

Result = QuerySolutions | QueryBoolean | QueryTriples
#: of a row in JSON, with the comma
_LEAST_ROW_BYTES = 3
_PREFIXED = (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML)
#: what an IRI must end in to be the name of an element (Namespaces in XML 1.0, section 4)
_NAME = re.compile(r"[^\W\d][\w.\-·]*\Z")


class _Bounded(io.BytesIO):
    """Takes bytes, to a limit."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Buffer) -> int:
        written = super().write(data)
        if self.tell() > self._most:
            raise QueryTooLargeError(
                f"the answer has more than {self._most:,} bytes; ask for less, or with a LIMIT"
            )
        return written


def rendered(result: Result, kind: QueryResultsFormat | RdfFormat, limits: Limits) -> bytes:
    """A result in a format that fits it; raises QueryTooLargeError."""
    if isinstance(result, QueryTriples):
        assert isinstance(kind, RdfFormat)
        return triples_in(result, kind, limits)
    assert isinstance(kind, QueryResultsFormat)
    if isinstance(result, QueryBoolean):
        return result.serialize(format=kind) or b""
    json = _written(result, QueryResultsFormat.JSON, limits)
    is_small = len(json) <= _LEAST_ROW_BYTES * limits.rows
    if is_small and kind == QueryResultsFormat.JSON:
        return json
    return rows_in(json, kind, limits)


def rows_in(json: bytes, kind: QueryResultsFormat, limits: Limits) -> bytes:
    """Rows in SPARQL's JSON, counted, in another format; raises QueryTooLargeError, or SyntaxError
    where it is not that, or not whole."""
    _check_count(_solutions(json), limits)
    if kind == QueryResultsFormat.JSON:
        return json
    if kind == QueryResultsFormat.CSV:  # shorter than the JSON
        return csv_of(lambda: _solutions(json))
    return _written(_solutions(json), kind, limits)


def triples_in(triples: Iterable[Triple], kind: RdfFormat, limits: Limits) -> bytes:
    """Triples in a format; raises QueryTooLargeError, and QueryRefusedError where it cannot say them."""
    found = list(islice(triples, limits.rows + 1))
    if len(found) > limits.rows:
        raise QueryTooLargeError(
            f"the answer has more than {limits.rows:,} triples; ask for less, or with a LIMIT"
        )
    if kind == RdfFormat.RDF_XML:
        _check_names(found)
    out = _Bounded(limits.answer_bytes)
    serialize(found, out, kind, prefixes=_prefixes(found) if kind in _PREFIXED else None)
    return out.getvalue()


def _check_names(triples: Iterable[Triple]) -> None:
    """In RDF/XML predicates are elements, and so are classes; the engine would write what is no XML."""
    for triple in triples:
        terms = (triple.predicate, triple.object if triple.predicate == TYPE else None)
        for term in terms:
            if isinstance(term, NamedNode) and not _NAME.search(term.value):
                raise QueryRefusedError(
                    f"its answer cannot be RDF/XML, in which {term} is no name; ask for text/turtle"
                )


def _prefixes(triples: Iterable[Triple]) -> dict[str, str]:
    """Those that are of use."""
    text = "\n".join(map(str, triples))
    return {name: iri for name, iri in PREFIXES.items() if "<" + iri in text}


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
    return out.getvalue()
