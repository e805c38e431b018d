"""Things in a store of graphs: one graph each, with the Thing Description as it came in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import NamedNode, Triple

from tinylearn.directory import graph
from tinylearn.directory.entry import Entry
from tinylearn.directory.ids import is_iri
from tinylearn.directory.index import Index
from tinylearn.registry.store.base import GraphStore, Row
from tinylearn.registry.things import names_of_things


@dataclass(frozen=True)
class Written:
    """A thing to be kept, with what its Thing Description says in RDF."""

    entry: Entry
    triples: Sequence[Triple]


class Shelf:
    """Reading is safe from any thread; writing is one thread's."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store

    def index(self) -> Index:
        """All ids, and when they expire."""
        expires = {row["thing"].value: graph.moment(row, "key") for row in self._keyed("expires")}
        return Index((name, expires.get(name)) for name in names_of_things(self._store))

    def read(self, identifier: str) -> Entry | None:
        """A thing, expired or not."""
        if not is_iri(identifier):
            return None
        found = self.read_many([identifier])
        return found[0] if found else None

    def read_many(self, identifiers: Sequence[str]) -> list[Entry]:
        """Those of them that are there, in this order."""
        query = f"SELECT * WHERE {{ {_values(identifiers)} {graph.PATTERN} }}"
        found = {row["thing"].value: row for row in self._store.select(query)}
        return [graph.entry(found[name]) for name in identifiers if name in found]

    def documents(self, identifiers: Sequence[str]) -> list[str]:
        """The Thing Descriptions of those that are there, in this order: JSON, one line each."""
        query = f"SELECT * WHERE {{ {_values(identifiers)} {graph.KEPT} }}"
        found = {row["thing"].value: row["document"].value for row in self._store.select(query)}
        return [found[name] for name in identifiers if name in found]

    def has_graph(self, identifier: str) -> bool:
        """Whether anything is kept under this name."""
        name = NamedNode(identifier)
        return bool(
            self._store.select(f"SELECT ?s WHERE {{ GRAPH {name} {{ ?s ?p ?o }} }} LIMIT 1")
        )

    def write(self, changes: Mapping[str, Written | None]) -> None:
        """Keeps things, removes those with None, all in one transaction."""
        graphs = {
            NamedNode(name): graph.triples(written.entry, written.triples)
            for name, written in changes.items()
            if written is not None
        }
        gone = [NamedNode(name) for name, written in changes.items() if written is None]
        self._store.upsert(graphs, gone)

    def sorted_by(self, member: str, identifiers: Iterable[str]) -> list[str]:
        """Of these, in ascending order of a member of SORTS: those without it first, and by their
        id where it is the same."""
        keys: dict[str, str] = {}
        for row in self._keyed(member):
            name, key = row["thing"].value, row["key"].value
            keys[name] = min(key, keys.get(name, key))
        return sorted(identifiers, key=lambda name: (keys.get(name, ""), name))

    def revision(self) -> int:
        """Of the whole store."""
        return self._store.revision()

    def _keyed(self, member: str) -> list[Row]:
        pattern = graph.SORTS[member]
        return self._store.select(f"SELECT ?thing ?key WHERE {{ GRAPH ?thing {{ {pattern} }} }}")


def _values(identifiers: Sequence[str]) -> str:
    """Terms write themselves, so that nothing else gets into the query."""
    return f"VALUES ?thing {{ {' '.join(str(NamedNode(name)) for name in identifiers)} }}"
