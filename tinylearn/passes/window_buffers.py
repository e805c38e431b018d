"""Gives each int8 convolution the bytes that it gathers a window into, so that they are planned."""

from __future__ import annotations

from dataclasses import replace

from tinylearn.ir.graph import Graph, Op, Tensor

#: a tap is gathered into a halfword where the core multiplies halfwords
_BYTES_A_TAP = 2


def _gathers(op: Op) -> bool:
    return op.kind == "q_conv2d" and len(op.outputs) == 1 and op.attrs["kernel"] != (1, 1)


def _buffer(graph: Graph, op: Op) -> Tensor:
    weights = graph[op.inputs[1]]
    taps = weights.size // weights.shape[0]
    return Tensor(f"{op.outputs[0]}/window", (_BYTES_A_TAP * taps,), dtype="int8")


def window_buffers(graph: Graph) -> Graph:
    """The graph with a second output, scratch memory, on each convolution that needs it."""
    buffers = {op.name: _buffer(graph, op) for op in graph.ops if _gathers(op)}
    ops = [
        replace(op, outputs=(*op.outputs, buffers[op.name].name)) if op.name in buffers else op
        for op in graph.ops
    ]
    return graph.with_tensors(buffers.values()).with_ops(ops)
