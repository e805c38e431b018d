"""Verification of graphs with the shape rules of the registered ops."""

from __future__ import annotations

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Graph, Op
from tinylearn.ir.verify import verify
from tinylearn.ops.base import Shape, definition


def checked(graph: Graph) -> Graph:
    """The graph itself, once it has passed every rule."""
    return verify(graph, _shapes)


def _shapes(op: Op, graph: Graph) -> tuple[Shape, ...]:
    """The rule of the op's definition, where the op has all of its constants."""
    rules = definition(op.kind)
    needed = 1 + max((*rules.weights, *rules.from_flash), default=-1)
    if len(op.inputs) < needed:
        raise BadInputError(f"op {op.name!r} ({op.kind}): {len(op.inputs)} inputs, {needed} needed")
    for position in (*rules.weights, *rules.from_flash):
        name = op.inputs[position]
        if name and graph[name].data is None:
            raise BadInputError(f"op {op.name!r} ({op.kind}): {name!r} holds no values")
    return rules.shapes(op, graph)
