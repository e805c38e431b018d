"""Moves an activation into the kernel of the op before it."""

from __future__ import annotations

from dataclasses import replace

from tinylearn.ir.graph import Graph, Op, frozen_map
from tinylearn.ops.base import definition


def _target(graph: Graph, op: Op, keep: str) -> Op | None:
    """The op that can take the activation ``op`` in; None where it must stay."""
    if op.kind != "activation" or op.name == keep:
        return None
    before = graph.producer(op.inputs[0])
    if before is None or not definition(before.kind).fuses_activation:
        return None
    used_elsewhere = len(graph.consumers(op.inputs[0])) > 1 or op.inputs[0] in graph.outputs
    taken = before.attrs.get("activation", "linear") != "linear"
    return None if used_elsewhere or taken else before


def fuse_activation(graph: Graph, keep: str = "") -> Graph:
    """The graph with activations fused; the op named ``keep`` stays on its own."""
    for op in graph.ops:
        before = _target(graph, op, keep)
        if before is None:
            continue
        attrs = frozen_map({**before.attrs, **op.attrs})
        merged = replace(before, outputs=op.outputs, attrs=attrs)
        ops = [merged if other is before else other for other in graph.ops if other is not op]
        graph = graph.with_ops(ops)
    return graph
