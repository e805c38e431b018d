"""Queries forwarded to a SPARQL 1.1 endpoint, whose answer is bounded in time and size and read whole:
a server that runs out of time cuts it off after status 200."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from pyoxigraph import (
    QueryBoolean,
    QueryResultsFormat,
    RdfFormat,
    Triple,
    parse,
    parse_query_results,
)

from tinylearn.errors import BadInputError
from tinylearn.registry.nesting import JSON, RDF, check_nesting
from tinylearn.registry.query.engine import ALL_GRAPHS, Graphs
from tinylearn.registry.query.errors import (
    QueryFailedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from tinylearn.registry.query.formats import Format
from tinylearn.registry.query.limits import Limits
from tinylearn.registry.query.results import rows_in, triples_in
from tinylearn.registry.store.endpoint import EndpointStore
from tinylearn.registry.store.errors import AnswerTooLargeError, StoreError
from tinylearn.registry.store.http import Bounds, HttpClient

_FORM = "application/x-www-form-urlencoded"
_CONNECT_SECONDS = 5.0


class RemoteEngine:
    """See Engine."""

    def __init__(self, store: EndpointStore, limits: Limits) -> None:
        self._addresses = store.addresses
        self._limits = limits
        bounds = Bounds(min(_CONNECT_SECONDS, limits.seconds), limits.seconds, limits.answer_bytes)
        self._client = HttpClient(self._addresses, bounds)

    def run(self, text: str, format: Format, graphs: Graphs) -> bytes:
        """See Engine."""
        if graphs != ALL_GRAPHS:
            raise QueryRefusedError("graphs cannot be chosen at an endpoint; say GRAPH <name> { }")
        accept = QueryResultsFormat.JSON if _is_rows(format) else RdfFormat.N_TRIPLES
        body = self._asked(text, accept.media_type)
        try:
            check_nesting(body, JSON if _is_rows(format) else RDF)
        except BadInputError as error:
            raise QueryFailedError(f"{self._addresses.shown}: its answer, {error}") from None
        try:
            return self._rendered(body, format)
        except SyntaxError as error:
            why = str(error)
        # not as its context: what it holds of the engine must be dropped by this thread
        raise QueryFailedError(f"{self._addresses.shown}: its answer is cut off ({why})")

    def close(self) -> None:
        """See Engine."""
        self._client.close()

    def _asked(self, text: str, accept: str) -> bytes:
        # Oxigraph's parameter; others do not look at it
        form = urlencode({"query": text, "union-default-graph": "true"}).encode()
        start = time.monotonic()
        try:
            return self._client.post(self._addresses.query, form, _FORM, accept)
        except AnswerTooLargeError as error:
            raise QueryTooLargeError(str(error)) from None
        except StoreError as error:
            late = time.monotonic() - start >= self._limits.seconds
            raise (QueryTimeoutError if late else QueryFailedError)(str(error)) from None

    def _rendered(self, body: bytes, format: Format) -> bytes:
        if isinstance(format.kind, RdfFormat):
            quads = parse(body, RdfFormat.N_TRIPLES)
            triples = (Triple(quad.subject, quad.predicate, quad.object) for quad in quads)
            return triples_in(triples, format.kind, self._limits)
        result = parse_query_results(body, format=QueryResultsFormat.JSON)
        if isinstance(result, QueryBoolean):
            return result.serialize(format=format.kind) or b""
        return rows_in(body, format.kind, self._limits)


def _is_rows(format: Format) -> bool:
    return isinstance(format.kind, QueryResultsFormat)
