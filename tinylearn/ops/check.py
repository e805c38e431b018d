"""Verification of graphs with the shape rules of the registered ops."""

from __future__ import annotations

from tinylearn.ir.graph import Graph
from tinylearn.ir.verify import verify
from tinylearn.ops.base import definition


def checked(graph: Graph) -> Graph:
    """The graph itself, once it has passed every rule."""
    return verify(graph, lambda op, g: definition(op.kind).shapes(op, g))
