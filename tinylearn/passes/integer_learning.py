"""Turns an inference graph into a program that learns without floating-point arithmetic.

A chain of layers becomes integer ops (see firmware/src/kernels/block_i16.h); the loss's gradient
goes back along the same chain to the first layer that learns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.ir.graph import Graph, Op, Program, frozen_map
from tinylearn.ops.base import all_definitions
from tinylearn.ops.i_losses import IntegerLoss
from tinylearn.ops.losses import Loss
from tinylearn.passes.integer_layers import (
    LAYERS,
    POOLS,
    RANDOM,
    Block,
    Delta,
    IntegerLayers,
    Layer,
    Pool,
    ordered,
)
from tinylearn.passes.origin import origin

_OUTPUTS = {"softmax": "i_softmax", "sigmoid": "i_sigmoid", "linear": "i_real"}
_NO_CODE = ("reshape", "dequantize")


def _unsupported(graph: Graph, op: Op | None) -> UnsupportedError:
    what = "its input" if op is None else f"layer {op.layer} ({op.kind.replace('_', ' ')})"
    return UnsupportedError(
        f"model {graph.name}: {what} cannot run in integers; --arithmetic int8 takes a "
        "chain of Dense, Conv and pooling layers, alone or behind a quantized body (tinylearn "
        "quantize, then --learn last:N)"
    )


def _float_chain(graph: Graph, head: Op | None) -> tuple[tuple[Op, ...], list[Op]]:
    """The int8 ops in front, and the float ops behind them, without the output activation."""
    floats = [op for op in graph.ops if graph[op.outputs[0]].dtype == "float32" and op is not head]
    body = tuple(op for op in graph.ops if graph[op.outputs[0]].dtype != "float32")
    return body, floats


def _start(layers: IntegerLayers, tensor: str) -> Block:
    """The int8 values that stand for a float tensor that no layer here makes."""
    source = layers.graph.producer(tensor)
    if source is not None and source.kind == "dequantize":
        scale, zero = source.attrs["in_scales"][0], source.attrs["in_zeros"][0]
        return Block(source.inputs[0], "", float(scale), int(zero))
    if tensor not in layers.graph.inputs:
        raise _unsupported(layers.graph, source)
    return layers.input(tensor)


@dataclass
class _Chain:
    """The layers so far, and what the last one left: sums that still need its activation,
    or int8."""

    layers: IntegerLayers
    stages: list[Layer | Pool] = field(default_factory=list)
    sums: Delta | None = None
    block: Block | None = None

    def read(self, op: Op) -> Block:
        """The int8 values that ``op`` reads."""
        if self.sums is not None:
            return self.layers.activated(self.stages[-1].op, self.sums)
        return self.block or _start(self.layers, origin(self.layers.graph, op.inputs[0]))

    def append(self, op: Op) -> None:
        """One more layer. A hidden layer's activation is appended before the next."""
        layers, x = self.layers, self.read(op)
        if op.kind not in LAYERS and not x.exponent:
            raise _unsupported(layers.graph, op)
        if op.kind in LAYERS:
            layer = layers.layer(op, x)
            self.stages.append(layer)
            self.sums = layer.z, layer.z_exp
        elif op.kind == "max_pool":
            pool, self.block = layers.max_pool(op, x)
            self.stages.append(pool)
            self.sums = None
        else:
            pool, self.sums = layers.average_pool(op, x)
            self.stages.append(pool)


def _walk(layers: IntegerLayers, floats: list[Op]) -> _Chain:
    """Layer after layer, forward."""
    chain = _Chain(layers)
    for op in floats:
        if op.kind in _NO_CODE:
            continue
        if op.kind not in (*LAYERS, *POOLS):
            raise _unsupported(layers.graph, op)
        chain.append(op)
    return chain


def _walk_back(layers: IntegerLayers, stages: list[Layer | Pool], delta: Delta) -> None:
    first = next(i for i, stage in enumerate(stages) if stage.learns)
    for i in reversed(range(first, len(stages))):
        stage = stages[i]
        upstream = layers.gradient(stage, delta) if i > first else delta
        if isinstance(stage, Layer) and stage.learns:
            layers.update(stage, delta)
        delta = upstream


def _loss_of(loss: Loss) -> IntegerLoss:
    """The integer form of a loss."""
    found = (d for d in all_definitions() if isinstance(d, IntegerLoss) and d.name == loss.name)
    return next(found)


def _check_output(graph: Graph, last: Op, head: Op | None) -> str:
    """The output's activation: one that the loss contains, or none."""
    own = str(last.attrs.get("activation", "linear"))
    if own != "linear":
        raise UnsupportedError(
            f"model {graph.name}: it ends in {own} under a mean squared error; --arithmetic int8 "
            "takes softmax and sigmoid with their cross-entropies, or no activation"
        )
    return "linear" if head is None else str(head.attrs.get("activation", head.kind))


def integer_learning(graph: Graph, loss: Loss, head: Op | None) -> Program:
    """A program that learns the layers marked trainable in integers, by SGD on ``loss``.

    ``head`` is the output activation that the loss contains, or None. Raises UnsupportedError
    for layers that have no integer form.
    """
    layers = IntegerLayers(graph)
    body, floats = _float_chain(graph, head)
    layers.stored(RANDOM, np.ones(1, np.int32), True)
    chain = _walk(layers, floats)
    if not any(stage.learns for stage in chain.stages):
        raise UsageError(f"model {graph.name}: no layer that can learn reaches the output")
    last, sums, result = chain.stages[-1].op, chain.sums, graph[graph.outputs[0]]
    if sums is None:
        raise _unsupported(graph, last)
    kind, shape = _OUTPUTS[_check_output(graph, last, head)], {"shape": result.shape}
    output = Op(kind, result.name, sums, (result.name,), frozen_map(shape), (), "output")
    delta = layers.computed("d:sums", layers.shape(sums[0]), "int16", gradient=True)
    loss_op = Op(_loss_of(loss).kind, "loss", sums, delta)
    _walk_back(layers, chain.stages, delta)
    return _program(layers, (*body, *layers.forward), output, loss_op)


def _program(layers: IntegerLayers, forward: tuple[Op, ...], output: Op, loss: Op) -> Program:
    graph = layers.graph
    guarded = () if graph[graph.inputs[0]].dtype != "float32" else (graph.inputs[0],)
    tensors = frozen_map(ordered({**graph.tensors, **layers.tensors}))
    whole = Graph(graph.name, tensors, (), graph.inputs, graph.outputs)
    program = Program(whole, forward, (output,), loss, tuple(layers.backward),
                      guarded=guarded, arithmetic="int8")  # fmt: skip
    return replace(program, graph=whole.with_ops(program.sequence))
