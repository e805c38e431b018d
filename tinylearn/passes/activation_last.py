"""Moves reshapes at the end of a network in front of the output activation.

The loss takes the logits before that activation, so it has to be the last op.
"""

from __future__ import annotations

from dataclasses import replace

from tinylearn.ir.graph import Graph, Op
from tinylearn.ops.base import definition, rows_of


def _commute(graph: Graph, activation: Op, reshape: Op) -> bool:
    """Whether the two may change places: always, but for a softmax over several rows."""
    if activation.kind != "softmax":
        return activation.kind == "activation"
    shapes = (graph.shape(activation.outputs[0]), graph.shape(reshape.outputs[0]))
    return all(rows_of(shape)[0] == 1 for shape in shapes)


def _swapped(graph: Graph, activation: Op, reshape: Op) -> Graph:
    logits = replace(graph[reshape.outputs[0]], name=f"{reshape.outputs[0]}:logits")
    first = replace(reshape, inputs=activation.inputs, outputs=(logits.name,))
    second = replace(activation, inputs=(logits.name,), outputs=reshape.outputs)
    places = {activation.name: first, reshape.name: second}
    return graph.with_tensors([logits]).with_ops(places.get(op.name, op) for op in graph.ops)


def activation_last(graph: Graph) -> Graph:
    """The graph with its output activation behind all reshapes that it commutes with."""
    while True:
        reshape = graph.producer(graph.outputs[0])
        if reshape is None or not definition(reshape.kind).alias:
            return graph
        activation = graph.producer(reshape.inputs[0])
        alone = activation is not None and len(graph.consumers(reshape.inputs[0])) == 1
        if activation is None or not alone or not _commute(graph, activation, reshape):
            return graph
        graph = _swapped(graph, activation, reshape)
