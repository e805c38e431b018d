"""Folds a frozen batch normalisation into the weights of the frozen layer before it.

Where that layer learns, the normalisation stays an op of its own (its statistics frozen, as
keras does for ``layer.trainable = False``), so that a step on the weights means what it
meant in training.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op, Tensor
from tinylearn.passes.select_trainable import weights_of

_CHANNEL_AXIS = {"dense": 0, "conv2d": 0, "depthwise_conv2d": 2}


def _foldable(graph: Graph, op: Op) -> Op | None:
    """The layer that a scale_shift op can be folded into."""
    if op.kind != "scale_shift":
        return None
    before = graph.producer(op.inputs[0])
    if before is None or before.kind not in _CHANNEL_AXIS or op.inputs[0] in graph.outputs:
        return None
    shared = any(len(graph.consumers(w)) > 1 for w in weights_of(graph, before))
    learns = any(graph[w].trainable for w in weights_of(graph, before))
    alone = len(graph.consumers(op.inputs[0])) == 1
    return before if alone and not learns and not shared else None


def _scaled(kernel: Array, scale: Array, axis: int) -> Array:
    shape = [1] * kernel.ndim
    shape[axis] = -1
    return (kernel.astype(np.float64) * scale.reshape(shape)).astype(np.float32)


def _fold(graph: Graph, layer: Op, norm: Op) -> Graph:
    kernel, scale, shift = (graph[n] for n in (layer.inputs[1], *norm.inputs[1:]))
    assert kernel.data is not None and scale.data is not None and shift.data is not None
    old_bias = graph[layer.inputs[2]].data if layer.inputs[2] else 0.0
    factor = scale.data.astype(np.float64)
    bias = (np.asarray(old_bias, np.float64) * factor + shift.data).astype(np.float32)
    name = layer.inputs[2] or f"{layer.layer or layer.name}/bias"
    folded = replace(kernel, data=_scaled(kernel.data, factor, _CHANNEL_AXIS[layer.kind]))
    merged = replace(layer, inputs=(*layer.inputs[:2], name), outputs=norm.outputs)
    ops = [merged if op is layer else op for op in graph.ops if op is not norm]
    return graph.with_tensors([folded, Tensor(name, bias.shape, "weight", bias)]).with_ops(ops)


def fold_batch_norm(graph: Graph) -> Graph:
    """The graph with every foldable normalisation folded, in float64 and then rounded."""
    for op in graph.ops:
        layer = _foldable(graph, op)
        if layer is not None:
            graph = _fold(graph, layer, op)
    return graph
