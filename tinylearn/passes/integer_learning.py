"""Turns an inference graph into a program that learns without floating-point arithmetic.

Dense layers and their activations become integer ops (see firmware/src/kernels/dense_i8.h). What
is int8 already, the frozen body of a quantized network, stays as it is: its integers are the
first layer's inputs, their scale goes into that layer's weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.ir.graph import Array, Graph, Op, Program, Tensor, frozen_map
from tinylearn.ir.integer import BIAS_EXPONENT, MOST, quantized
from tinylearn.ops.base import all_definitions
from tinylearn.ops.i_activation import ACTIVATIONS
from tinylearn.ops.i_losses import IntegerLoss
from tinylearn.ops.losses import Loss
from tinylearn.passes.origin import origin

MOST_INPUTS = 8192
MOST_OUTPUTS = 4096
_RANDOM = "random"
_OUTPUTS = {"softmax": "i_softmax", "sigmoid": "i_sigmoid", "linear": "i_real"}


@dataclass(frozen=True)
class _Block:
    """int8 values that a layer reads: their exponent's tensor (or "", with the scale of the
    quantized tensor), and the activation that made them."""

    values: str
    exponent: str = ""
    scale: float = 1.0
    zero: int = 0
    activation: str = "linear"


@dataclass(frozen=True)
class _Layer:
    """A dense layer's tensors. ``b`` is "" where it has no bias."""

    op: Op
    x: _Block
    w: str
    w_exp: str
    b: str
    z: str
    z_exp: str
    learns: bool


@dataclass
class _Rewrite:
    graph: Graph
    tensors: dict[str, Tensor] = field(default_factory=dict)
    bytes_tensors: dict[str, Tensor] = field(default_factory=dict)
    forward: list[Op] = field(default_factory=list)
    backward: list[Op] = field(default_factory=list)
    layers: list[_Layer] = field(default_factory=list)

    # ---- tensors ----

    def computed(self, name: str, size: int, dtype: str) -> str:
        self.tensors[name] = Tensor(name, (size,), dtype=dtype)
        return name

    def exponent(self, of: str) -> str:
        return self.computed(f"{of}:exponent", 1, "int32")

    def stored(self, name: str, data: Array, trainable: bool) -> str:
        tensor = Tensor(name, data.shape, "weight", data, trainable, str(data.dtype))
        (self.bytes_tensors if data.dtype == np.int8 else self.tensors)[name] = tensor
        return name

    # ---- forward ----

    def start(self, tensor: str) -> _Block:
        """The int8 values that stand for a float tensor that no layer here makes."""
        source = self.graph.producer(tensor)
        if source is not None and source.kind == "dequantize":
            scale, zero = source.attrs["in_scales"][0], source.attrs["in_zeros"][0]
            return _Block(source.inputs[0], "", float(scale), int(zero))
        if tensor not in self.graph.inputs:
            raise _unsupported(self.graph, source)
        size = self.graph[tensor].size
        out = self.computed(f"{tensor}:int8", size, "int8")
        outputs = (out, self.exponent(out))
        self.forward.append(Op("i_input", out, (tensor,), outputs))
        return _Block(*outputs)

    def weights(self, op: Op, scale: float) -> tuple[str, str, str]:
        """Kernel, its exponent and bias of a dense layer, from its floats."""
        kernel, learns = self.graph[op.inputs[1]], self.graph[op.inputs[1]].trainable
        assert kernel.data is not None
        _check_size(op, kernel.shape)
        q, exponent = quantized(kernel.data.astype(np.float64) * scale)
        w_exp = self.stored(f"{kernel.name}:exponent", np.array([exponent], np.int32), learns)
        return self.stored(kernel.name, q, learns), w_exp, self.bias(op)

    def bias(self, op: Op) -> str:
        if len(op.inputs) < 3 or not op.inputs[2]:
            return ""
        bias = self.graph[op.inputs[2]]
        assert bias.data is not None
        units = np.rint(bias.data.astype(np.float64) * 2.0**-BIAS_EXPONENT)
        return self.stored(bias.name, np.clip(units, -MOST, MOST).astype(np.int32), bias.trainable)

    def dense(self, op: Op, x: _Block) -> _Layer:
        """Appends the layer's sums."""
        w, w_exp, b = self.weights(op, x.scale)
        n_out, learns = self.graph.shape(op.inputs[1])[0], self.graph[op.inputs[1]].trainable
        z = self.computed(f"{op.name}:sums", n_out, "int32")
        layer = _Layer(op, x, w, w_exp, b, z, self.exponent(z), learns)
        self.forward.append(
            Op("i_dense", op.name, (x.values, x.exponent, w, w_exp, b), (z, layer.z_exp),
               frozen_map({"zero": x.zero}), (), op.layer)
        )  # fmt: skip
        self.layers.append(layer)
        return layer

    def activated(self, layer: _Layer, activation: str) -> _Block:
        """Appends a hidden layer's activation."""
        if activation not in ACTIVATIONS:
            raise UnsupportedError(
                f"layer {layer.op.layer}: {activation} has no integer form; --arithmetic int8 "
                f"takes {', '.join(ACTIVATIONS)}"
            )
        out = self.computed(f"{layer.op.name}:int8", self.tensors[layer.z].size, "int8")
        outputs = (out, self.exponent(out))
        self.forward.append(
            Op("i_activation", out, (layer.z, layer.z_exp), outputs,
               frozen_map({"activation": activation}), (), layer.op.layer)
        )  # fmt: skip
        return _Block(*outputs, activation=activation)

    # ---- backward ----

    def gradient(self, layer: _Layer, delta: tuple[str, str]) -> tuple[str, str]:
        """Appends the gradient by the layer's input."""
        dx = self.computed(f"d:{layer.x.values}", self.tensors[layer.x.values].size, "int32")
        self.tensors[dx] = replace(self.tensors[dx], role="gradient")
        outputs = (dx, self.exponent(dx))
        self.backward.append(
            Op("i_dense_gradient", f"{layer.op.name}_gradient",
               (layer.x.values, *delta, layer.w, layer.w_exp), outputs,
               frozen_map({"input_activation": layer.x.activation}), (), layer.op.layer)
        )  # fmt: skip
        return outputs

    def update(self, layer: _Layer, delta: tuple[str, str]) -> None:
        """Appends the layer's step."""
        gain = float(np.float32(layer.x.scale * layer.x.scale))
        updates = (layer.w, layer.w_exp, *((layer.b,) if layer.b else ()), _RANDOM)
        self.backward.append(
            Op("i_dense_update", f"{layer.op.name}_update",
               (layer.x.values, layer.x.exponent, *delta), (),
               frozen_map({"gain": gain, "zero": layer.x.zero}), updates, layer.op.layer)
        )  # fmt: skip


def _unsupported(graph: Graph, op: Op | None) -> UnsupportedError:
    what = "its input" if op is None else f"layer {op.layer} ({op.kind.replace('_', ' ')})"
    return UnsupportedError(
        f"model {graph.name}: {what} cannot run in integers; --arithmetic int8 takes Dense "
        "layers, alone or behind a quantized body (tinylearn quantize, then --learn last:N)"
    )


def _check_size(op: Op, shape: tuple[int, ...]) -> None:
    if shape[1] > MOST_INPUTS or shape[0] > MOST_OUTPUTS:
        raise UnsupportedError(
            f"layer {op.layer}: {shape[1]} inputs and {shape[0]} outputs; --arithmetic int8 takes "
            f"at most {MOST_INPUTS} and {MOST_OUTPUTS}, so that sums fit 32 bits"
        )


def _float_chain(graph: Graph, head: Op | None) -> tuple[tuple[Op, ...], list[Op]]:
    """The int8 ops in front, and the float ops behind them, without the output activation."""
    floats = [op for op in graph.ops if graph[op.outputs[0]].dtype == "float32" and op is not head]
    body = tuple(op for op in graph.ops if graph[op.outputs[0]].dtype != "float32")
    return body, floats


def _walk(rewrite: _Rewrite, floats: list[Op]) -> None:
    """Layer after layer, forward. A hidden layer's activation is appended before the next."""
    block: _Block | None = None
    for op in floats:
        if op.kind in ("reshape", "dequantize"):
            continue
        if op.kind != "dense":
            raise _unsupported(rewrite.graph, op)
        if rewrite.layers:
            last = rewrite.layers[-1]
            block = rewrite.activated(last, str(last.op.attrs.get("activation", "linear")))
        else:
            block = rewrite.start(origin(rewrite.graph, op.inputs[0]))
        rewrite.dense(op, block)


def _loss_of(loss: Loss) -> IntegerLoss:
    """The integer form of a loss."""
    found = (d for d in all_definitions() if isinstance(d, IntegerLoss) and d.name == loss.name)
    return next(found)


def _walk_back(rewrite: _Rewrite, delta: tuple[str, str]) -> None:
    first = next(i for i, layer in enumerate(rewrite.layers) if layer.learns)
    for i in reversed(range(first, len(rewrite.layers))):
        layer = rewrite.layers[i]
        upstream = rewrite.gradient(layer, delta) if i > first else delta
        if layer.learns:
            rewrite.update(layer, delta)
        delta = upstream


def _check_output(graph: Graph, last: _Layer, head: Op | None) -> str:
    """The output's activation: one that the loss contains, or none."""
    own = str(last.op.attrs.get("activation", "linear"))
    if own != "linear":
        raise UnsupportedError(
            f"model {graph.name}: it ends in {own} under a mean squared error; --arithmetic int8 "
            "takes softmax and sigmoid with their cross-entropies, or no activation"
        )
    return "linear" if head is None else str(head.attrs.get("activation", head.kind))


def integer_learning(graph: Graph, loss: Loss, head: Op | None) -> Program:
    """A program that learns the dense layers marked trainable in integers, by SGD on ``loss``.

    ``head`` is the output activation that the loss contains, or None. Raises UnsupportedError
    for layers that have no integer form.
    """
    rewrite = _Rewrite(graph)
    body, floats = _float_chain(graph, head)
    rewrite.stored(_RANDOM, np.ones(1, np.int32), True)
    _walk(rewrite, floats)
    if not any(layer.learns for layer in rewrite.layers):
        raise UsageError(f"model {graph.name}: no layer that can learn reaches the output")
    last, result = rewrite.layers[-1], graph[graph.outputs[0]]
    kind = _OUTPUTS[_check_output(graph, last, head)]
    sums, shape = (last.z, last.z_exp), frozen_map({"shape": result.shape})
    output = Op(kind, result.name, sums, (result.name,), shape, (), "output")
    rule, dz = _loss_of(loss), rewrite.computed("d:sums", rewrite.tensors[last.z].size, "int32")
    rewrite.tensors[dz] = replace(rewrite.tensors[dz], role="gradient")
    delta = (dz, rewrite.exponent(dz))
    _walk_back(rewrite, delta)
    forward = (*body, *rewrite.forward)
    loss_op = Op(rule.kind, "loss", sums, delta)
    guarded = () if graph[graph.inputs[0]].dtype != "float32" else (graph.inputs[0],)
    tensors = {**graph.tensors, **rewrite.tensors, **rewrite.bytes_tensors}
    whole = Graph(
        graph.name, frozen_map(_ordered(tensors, rewrite)), (), graph.inputs, graph.outputs
    )
    program = Program(whole, forward, (output,), loss_op, tuple(rewrite.backward),
                      guarded=guarded, arithmetic="int8")  # fmt: skip
    return replace(program, graph=whole.with_ops(program.sequence))


def _ordered(tensors: dict[str, Tensor], rewrite: _Rewrite) -> dict[str, Tensor]:
    """Words before bytes, so that the struct of weights has no gaps."""
    words = {name: t for name, t in tensors.items() if name not in rewrite.bytes_tensors}
    return {**words, **{name: tensors[name] for name in rewrite.bytes_tensors}}
