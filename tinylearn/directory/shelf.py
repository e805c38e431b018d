"""Things in a store of graphs: one graph each, with the Thing Description as it came in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import NamedNode, Triple

from tinylearn.directory import graph
from tinylearn.directory.entry import Entry
from tinylearn.directory.ids import is_iri
from tinylearn.directory.index import Index
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import DCTERMS, TD

#: by what things can be sorted, but for their id
SORTS = {
    "title": f"OPTIONAL {{ GRAPH ?thing {{ ?thing <{TD}title>|<{DCTERMS}title> ?key }} }}",
    "created": "BIND(?created AS ?key)",
    "modified": "BIND(?modified AS ?key)",
    "expires": "BIND(?expires AS ?key)",
}


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
        rows = self._store.select(f"SELECT ?thing ?expires WHERE {{ {graph.PATTERN} }}")
        return Index((row["thing"].value, graph.moment(row, "expires")) for row in rows)

    def read(self, identifier: str) -> Entry | None:
        """A thing, expired or not."""
        if not is_iri(identifier):
            return None
        found = self.read_many([identifier])
        return found[0] if found else None

    def read_many(self, identifiers: Sequence[str]) -> list[Entry]:
        """Those of them that are there, in this order."""
        names = " ".join(str(NamedNode(identifier)) for identifier in identifiers)
        rows = self._store.select(
            f"SELECT * WHERE {{ VALUES ?thing {{ {names} }} {graph.PATTERN} }}"
        )
        found = {row["thing"].value: row for row in rows}
        return [graph.entry(found[name]) for name in identifiers if name in found]

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

    def sorted_by(self, member: str) -> list[str]:
        """All ids in ascending order of a member of SORTS, those without it first, and by their id
        where it is the same."""
        query = f"SELECT ?thing ?key WHERE {{ {graph.PATTERN} {SORTS[member]} }}"
        keys: dict[str, str] = {}
        for row in self._store.select(query):
            key = row["key"].value if "key" in row else ""
            name = row["thing"].value
            keys[name] = min(key, keys.get(name, key))
        return sorted(keys, key=lambda name: (keys[name], name))

    def revision(self) -> int:
        """Of the whole store."""
        return self._store.revision()
