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
    """The rule of the op's definition, where the op has an input for each of its constants."""
    rules = definition(op.kind)
    needed = 1 + max((*rules.weights, *rules.from_flash), default=-1)
    if len(op.inputs) < needed:
        raise BadInputError(f"op {op.name!r} ({op.kind}): {len(op.inputs)} inputs, {needed} needed")
    return rules.shapes(op, graph)
