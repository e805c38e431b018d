"""The interface of every store of graphs.

A device or a model is one named graph, whose name is the IRI of what it describes. The default
graph of every query is the union of all. Blank nodes belong to their graph: the same label in two graphs
is two nodes, and a graph that is read again may have other labels. Numbers may lose their spelling
(``"01"^^xsd:integer`` becomes 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

Term = NamedNode | BlankNode | Literal
Row = dict[str, Term]


class GraphStore(Protocol):
    """Graphs, durably. One writer at a time; a second one meets a clear error. What goes wrong is a
    StoreError; writing to a store that was opened for reading is one."""

    #: the folder or URL, without a password
    where: str

    def upsert(
        self, graphs: Mapping[NamedNode, Iterable[Triple]], deleted: Iterable[NamedNode] = ()
    ) -> None:
        """Replaces each graph as a whole, removes ``deleted``; all of it in one transaction, on
        the disk when this returns."""

    def graph(self, name: NamedNode) -> list[Triple]:
        """The content of a graph; nothing where there is none."""

    def names(self, kind: NamedNode | None = None) -> list[NamedNode]:
        """Names of all graphs in order; ``kind``: of those whose subject of the same IRI has this
        rdf:type."""

    def select(self, query: str, values: Mapping[str, Term] | None = None) -> list[Row]:
        """Rows of a SELECT of our own, with ``values`` bound to variables (see ``values.bind``);
        a row has no entry for what is not bound. What people ask goes through query/ instead."""

    def select_csv(self, query: str) -> bytes:
        """The same as SPARQL 1.1 Query Results CSV: no term becomes a Python object, which is what
        takes long where rows are many."""

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """As ``upsert`` of many graphs, faster and not in one transaction: a kill, or an error of the
        iterable, leaves some of the graphs, each whole. The quads of a graph must come one after
        the other; raises BadInputError where they do not. On the disk when this returns."""

    def quads(self) -> Iterator[Quad]:
        """Everything, one graph after the other. Blank nodes of two graphs have different labels."""

    def revision(self) -> int:
        """Grows with each commit; the same number means the same content."""

    def flush(self) -> None:
        """What was written survives a loss of power when this returns."""

    def close(self) -> None:
        """Gives the store free for others."""
