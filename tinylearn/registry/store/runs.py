"""Quads in a stream, as whole graphs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, serialize

from tinylearn.errors import BadInputError
from tinylearn.registry.store.update_text import check_name

Graph = tuple[NamedNode, list[Quad]]


def graphs_of(quads: Iterable[Quad]) -> Iterator[Graph]:
    """The graphs of a stream in which the quads of a graph come one after the other; raises
    BadInputError where a graph comes back, or is none of a device or a model."""
    seen: set[str] = set()
    name: NamedNode | None = None
    run: list[Quad] = []
    for quad in quads:
        if quad.graph_name != name:
            if name is not None:
                yield name, run
            name, run = _new(quad, seen), []
        run.append(quad)
    if name is not None:
        yield name, run


def _new(quad: Quad, seen: set[str]) -> NamedNode:
    name = check_name(quad.graph_name)
    if name.value in seen:
        raise BadInputError(
            f"{name.value}: the quads of this graph do not come one after the other; sort them by graph"
        )
    seen.add(name.value)
    return name


def batches(graphs: Iterable[Graph], quads: int) -> Iterator[list[Graph]]:
    """Some graphs at a time, about as many as make so many quads."""
    batch: list[Graph] = []
    size = 0
    for graph in graphs:
        batch.append(graph)
        size += len(graph[1])
        if size >= quads:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def own_blank_nodes(quads: Iterable[Quad]) -> Iterator[Quad]:
    """The quads of one graph, with blank nodes that are no other graph's."""
    fresh: dict[BlankNode, BlankNode] = {}
    for quad in quads:
        subject, value = quad.subject, quad.object
        blank_subject, blank_value = type(subject) is BlankNode, type(value) is BlankNode
        if blank_subject or blank_value:
            if blank_subject:
                subject = fresh.setdefault(subject, BlankNode())  # type: ignore[arg-type]
            if blank_value:
                value = fresh.setdefault(value, BlankNode())  # type: ignore[arg-type]
            quad = Quad(subject, quad.predicate, value, quad.graph_name)
        yield quad


def n_quads(graphs: Iterable[Graph]) -> bytes:
    """Graphs as text, in which no two have a blank node in common."""
    quads = chain.from_iterable(own_blank_nodes(content) for _, content in graphs)
    return serialize(quads, format=RdfFormat.N_QUADS) or b""
