"""Turns an inference graph into a program that learns without floating-point arithmetic.

A chain of layers becomes integer ops (see firmware/src/kernels/block_i16.h); the loss's gradient
goes back along the same chain to the first layer that learns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.ir.graph import Graph, Op, Program, frozen_map
from tinylearn.ops.base import all_definitions
from tinylearn.ops.i_losses import IntegerLoss
from tinylearn.ops.losses import Loss
from tinylearn.passes.integer_layers import (
    LAYERS,
    RANDOM,
    Block,
    Delta,
    IntegerLayers,
    Layer,
    ordered,
)
from tinylearn.passes.origin import origin

_OUTPUTS = {"softmax": "i_softmax", "sigmoid": "i_sigmoid", "linear": "i_real"}
_NO_CODE = ("reshape", "dequantize")


def _unsupported(graph: Graph, op: Op | None) -> UnsupportedError:
    what = "its input" if op is None else f"layer {op.layer} ({op.kind.replace('_', ' ')})"
    return UnsupportedError(
        f"model {graph.name}: {what} cannot run in integers; --arithmetic int8 takes Dense "
        "layers, alone or behind a quantized body (tinylearn quantize, then --learn last:N)"
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


def _walk(layers: IntegerLayers, floats: list[Op]) -> list[Layer]:
    """Layer after layer, forward. A hidden layer's activation is appended before the next."""
    found: list[Layer] = []
    for op in floats:
        if op.kind in _NO_CODE:
            continue
        if op.kind not in LAYERS:
            raise _unsupported(layers.graph, op)
        if found:
            block = layers.activated(found[-1].op, (found[-1].z, found[-1].z_exp))
        else:
            block = _start(layers, origin(layers.graph, op.inputs[0]))
        found.append(layers.layer(op, block))
    return found


def _walk_back(layers: IntegerLayers, stages: list[Layer], delta: Delta) -> None:
    first = next(i for i, stage in enumerate(stages) if stage.learns)
    for i in reversed(range(first, len(stages))):
        layer = stages[i]
        upstream = layers.gradient(layer, delta) if i > first else delta
        if layer.learns:
            layers.update(layer, delta)
        delta = upstream


def _loss_of(loss: Loss) -> IntegerLoss:
    """The integer form of a loss."""
    found = (d for d in all_definitions() if isinstance(d, IntegerLoss) and d.name == loss.name)
    return next(found)


def _check_output(graph: Graph, last: Layer, head: Op | None) -> str:
    """The output's activation: one that the loss contains, or none."""
    own = str(last.op.attrs.get("activation", "linear"))
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
    stages = _walk(layers, floats)
    if not any(stage.learns for stage in stages):
        raise UsageError(f"model {graph.name}: no layer that can learn reaches the output")
    last, result = stages[-1], graph[graph.outputs[0]]
    kind, sums = _OUTPUTS[_check_output(graph, last, head)], (last.z, last.z_exp)
    shape = frozen_map({"shape": result.shape})
    output = Op(kind, result.name, sums, (result.name,), shape, (), "output")
    delta = layers.computed("d:sums", layers.shape(last.z), "int16", gradient=True)
    loss_op = Op(_loss_of(loss).kind, "loss", sums, delta)
    _walk_back(layers, stages, delta)
    return _program(layers, (*body, *layers.forward), output, loss_op)


def _program(layers: IntegerLayers, forward: tuple[Op, ...], output: Op, loss: Op) -> Program:
    graph = layers.graph
    guarded = () if graph[graph.inputs[0]].dtype != "float32" else (graph.inputs[0],)
    tensors = frozen_map(ordered({**graph.tensors, **layers.tensors}))
    whole = Graph(graph.name, tensors, (), graph.inputs, graph.outputs)
    program = Program(whole, forward, (output,), loss, tuple(layers.backward),
                      guarded=guarded, arithmetic="int8")  # fmt: skip
    return replace(program, graph=whole.with_ops(program.sequence))
