"""Graphs in memory, for tests of what stands on a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyoxigraph import NamedNode, Quad, QueryResultsFormat, Store, Triple, Variable

from tinylearn.registry.store.base import Row, Term


class PlainStore:
    """A GraphStore that keeps nothing on a disk."""

    def __init__(self) -> None:
        self._store, self._revision = Store(), 0

    def upsert(
        self, graphs: Mapping[NamedNode, Iterable[Triple]], deleted: Iterable[NamedNode] = ()
    ) -> None:
        for name in (*graphs, *deleted):
            self._store.clear_graph(name)
        for name, triples in graphs.items():
            self._store.extend(Quad(t.subject, t.predicate, t.object, name) for t in triples)
        self._revision += 1

    def graph(self, name: NamedNode) -> list[Triple]:
        return [q.triple for q in self._store.quads_for_pattern(None, None, None, name)]

    def select(self, query: str, values: Mapping[str, Term] | None = None) -> list[Row]:
        bound = {Variable(name): term for name, term in (values or {}).items()}
        rows = self._store.query(query, use_default_graph_as_union=True, substitutions=bound)
        names = [v.value for v in rows.variables]
        return [{n: row[n] for n in names if row[n] is not None} for row in rows]

    def select_csv(self, query: str) -> bytes:
        rows = self._store.query(query, use_default_graph_as_union=True)
        return rows.serialize(format=QueryResultsFormat.CSV)

    def quads(self) -> Iterator[Quad]:
        return iter(self._store)

    def revision(self) -> int:
        return self._revision
