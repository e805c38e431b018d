"""Drops ops whose results nobody reads."""

from __future__ import annotations

from tinylearn.ir.graph import Graph, Op


def prune(graph: Graph) -> Graph:
    """The graph with only the ops that its outputs need."""
    needed, kept = set(graph.outputs), list[Op]()
    for op in reversed(graph.ops):
        if needed.intersection(op.outputs):
            kept.append(op)
            needed.update(op.inputs)
    return graph.with_ops(reversed(kept))
