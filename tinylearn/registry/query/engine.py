"""What runs queries that have passed the gate: workers beside us, or an endpoint elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pyoxigraph import NamedNode

from tinylearn.registry.query.formats import Format


@dataclass(frozen=True)
class Graphs:
    """Names of the graphs that make up the default graph, and of those that GRAPH may name; both
    empty: all there are (SPARQL 1.1 Protocol, 2.1.4)."""

    default: tuple[NamedNode, ...] = ()
    named: tuple[NamedNode, ...] = ()


ALL_GRAPHS = Graphs()


class Engine(Protocol):
    """Threads may share one."""

    def run(self, text: str, format: Format, graphs: Graphs) -> bytes:
        """The answer, in a format that fits it; raises what errors.py lists."""

    def close(self) -> None:
        """Ends what runs."""
