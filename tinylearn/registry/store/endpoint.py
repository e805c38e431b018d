"""The registry behind a SPARQL 1.1 endpoint: SPARQL 1.1 Protocol, Query and Update, nothing else.

Answers are JSON: that they were cut off, which happens after status 200 where a server's time is over,
shows in their syntax. A graph is written with INSERT DATA, in which blank nodes may stand, and read with
a SELECT, so that it needs no Graph Store Protocol and no names in place of blank nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    Triple,
    parse_query_results,
)

from tinylearn.errors import BadInputError
from tinylearn.registry.csv_text import csv_of
from tinylearn.registry.nesting import JSON, check_nesting
from tinylearn.registry.store.addresses import Addresses, addresses
from tinylearn.registry.store.base import Row, Term
from tinylearn.registry.store.errors import AnswerTooLargeError, StoreError
from tinylearn.registry.store.http import Bounds, HttpClient
from tinylearn.registry.store.runs import batches, graphs_of, own_blank_nodes
from tinylearn.registry.store.update_text import READ_REVISION, REGISTRY, upsert_text
from tinylearn.registry.store.values import bind
from tinylearn.registry.vocabulary import TYPE

_FORM, _UPDATE = "application/x-www-form-urlencoded", "application/sparql-update"
_JSON = "application/sparql-results+json"
#: a parameter of Oxigraph; others have no such, and do not look at it
_UNION = {"union-default-graph": "true"}
#: quads in one update of a bulk load, about 1 MB
_BULK_QUADS = 5_000
#: graphs in one answer, of those that are read one after the other
_GRAPHS = 200
_BOUNDS = Bounds()

T = TypeVar("T")


class EndpointStore:
    """Graphs at an endpoint, which decides when they are on the disk: Oxigraph when it has answered,
    but for a loss of power. Its default graph must be the union of all graphs."""

    def __init__(self, url: str, read_only: bool = False, bounds: Bounds = _BOUNDS) -> None:
        self._addresses = addresses(url)
        self.where, self.read_only = self._addresses.shown, read_only
        self._client: HttpClient | None = HttpClient(self._addresses, bounds)
        self._union = False  # not known yet, in an empty store
        try:
            self._check_union()
        except BaseException:
            self.close()
            raise

    def upsert(
        self, graphs: Mapping[NamedNode, Iterable[Triple]], deleted: Iterable[NamedNode] = ()
    ) -> None:
        """See GraphStore."""
        if self.read_only:
            raise StoreError(f"{self.where}: is opened for reading only")
        body = upsert_text(graphs, deleted).encode()
        self._opened().post(self._addresses.update, body, _UPDATE, "*/*")
        if not self._union:
            self._check_union()

    def graph(self, name: NamedNode) -> list[Triple]:
        """See GraphStore."""
        rows = self.select(f"SELECT ?s ?p ?o {{ GRAPH {name} {{ ?s ?p ?o }} }}")
        return [self._quad(name, row).triple for row in rows]

    def names(self, kind: NamedNode | None = None) -> list[NamedNode]:
        """See GraphStore."""
        pattern = "?s ?p ?o" if kind is None else f"?g {TYPE} {kind}"
        rows = self.select(f"SELECT DISTINCT ?g {{ GRAPH ?g {{ {pattern} }} }}")
        found = (row.get("g") for row in rows)
        names = [name for name in found if isinstance(name, NamedNode) and name != REGISTRY]
        return sorted(names, key=lambda name: name.value)

    def select(self, query: str, values: Mapping[str, Term] | None = None) -> list[Row]:
        """See GraphStore."""
        return self._solutions(bind(query, values or {}), lambda solved: _rows(solved()))

    def select_csv(self, query: str) -> bytes:
        """See GraphStore. It comes as JSON, as CSV does not show where it was cut off."""
        return self._solutions(query, csv_of)

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """See GraphStore."""
        for batch in batches(graphs_of(quads), _BULK_QUADS):
            self.upsert({name: [quad.triple for quad in quads] for name, quads in batch})

    def quads(self) -> Iterator[Quad]:
        """See GraphStore; no snapshot: each graph is as it is when it is read."""
        names = self.names()
        for at in range(0, len(names), _GRAPHS):
            yield from self._quads_of(names[at : at + _GRAPHS])

    def revision(self) -> int:
        """See GraphStore; counts what tinylearn has written."""
        for row in self.select(READ_REVISION):
            number = row.get("revision")
            if isinstance(number, Literal) and number.value.isdecimal():
                return int(number.value)
        raise self._nonsense()

    def flush(self) -> None:
        """See GraphStore: what an endpoint has acknowledged is its own affair."""
        self._opened()

    def close(self) -> None:
        """See GraphStore."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _quads_of(self, names: list[NamedNode]) -> Iterator[Quad]:
        """Of fewer graphs at a time where they are too large together."""
        wanted = " ".join(map(str, names))
        query = f"SELECT ?g ?s ?p ?o {{ VALUES ?g {{ {wanted} }} GRAPH ?g {{ ?s ?p ?o }} }}"
        try:
            rows = self.select(query)
        except AnswerTooLargeError:
            if len(names) == 1:
                raise
            half = len(names) // 2
            yield from self._quads_of(names[:half])
            yield from self._quads_of(names[half:])
            return
        graphs: dict[object, list[Quad]] = {name: [] for name in names}
        for row in rows:
            name = row.get("g")
            if not isinstance(name, NamedNode) or name not in graphs:
                raise self._nonsense()
            graphs[name].append(self._quad(name, row))
        for quads in graphs.values():
            yield from own_blank_nodes(quads)

    @property
    def addresses(self) -> Addresses:
        """For queries with bounds of their own."""
        return self._addresses

    def _quad(self, name: NamedNode, row: Row) -> Quad:
        subject, predicate, value = (row.get(variable) for variable in "spo")
        node = isinstance(subject, (NamedNode, BlankNode))
        if not node or not isinstance(predicate, NamedNode) or value is None:
            raise self._nonsense()
        return Quad(subject, predicate, value, name)  # type: ignore[arg-type]

    def _nonsense(self) -> StoreError:
        return StoreError(f"{self.where}: its answers are not those of a SPARQL 1.1 endpoint")

    def _check_union(self) -> None:
        """Asks whether what a graph holds shows in the default graph; nothing where there is none."""
        graph = "GRAPH ?g { ?s ?p ?o } FILTER(isIRI(?s) && !isBlank(?o))"
        for row in self.select(f"SELECT ?s ?p ?o {{ {graph} }} LIMIT 1"):
            self._union = bool(self.select("SELECT ?s { ?s ?p ?o } LIMIT 1", row))
            if not self._union:
                raise StoreError(
                    f"{self.where}: its default graph is not the union of all graphs; start the server "
                    "so that it is (oxigraph serve --union-default-graph; Fuseki: unionDefaultGraph)"
                )

    def _solutions(self, query: str, read: Callable[[Callable[[], QuerySolutions]], T]) -> T:
        body = self._query(query)
        try:
            check_nesting(body, JSON)
            return read(lambda: _parsed(body))
        except BadInputError as error:
            raise StoreError(f"{self.where}: the answer, {error}") from None
        except SyntaxError as error:
            raise StoreError(
                f"{self.where}: the answer was cut off, or is no SPARQL result in JSON ({error}); the "
                "server may have run out of time"
            ) from error

    def _query(self, text: str) -> bytes:
        form = urlencode({"query": text} | _UNION).encode()
        return self._opened().post(self._addresses.query, form, _FORM, _JSON)

    def _opened(self) -> HttpClient:
        if self._client is None:
            raise StoreError(f"{self.where}: is closed")
        return self._client


def _parsed(body: bytes) -> QuerySolutions:
    found = parse_query_results(body, QueryResultsFormat.JSON)
    if not isinstance(found, QuerySolutions):
        raise ValueError("the query is no SELECT")
    return found


def _rows(found: QuerySolutions) -> list[Row]:
    names = [variable.value for variable in found.variables]
    return [{name: row[name] for name in names if row[name] is not None} for row in found]
