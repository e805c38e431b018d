"""Where a tensor's bytes come from, behind reshapes."""

from __future__ import annotations

from tinylearn.ir.graph import Graph
from tinylearn.ops.base import definition


def origin(graph: Graph, tensor: str) -> str:
    """The tensor whose bytes ``tensor`` is: itself, or what reshapes made it of."""
    while (op := graph.producer(tensor)) is not None and definition(op.kind).alias:
        tensor = op.inputs[0]
    return tensor
