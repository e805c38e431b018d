"""The integer ops of each layer, for ``integer_learning``: forward, input gradient, update.

A layer's kernel and bias become int8 and int16 blocks; what is int8 already, the frozen body of
a quantized network, stays as it is: its scale goes into the weights of the layer that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array, Graph, Op, Role, Tensor, frozen_map
from tinylearn.ir.integer import quantized, quantized_bias
from tinylearn.ops.base import Shape
from tinylearn.ops.i_activation import ACTIVATIONS
from tinylearn.ops.window import window_attrs
from tinylearn.passes.integer_limits import check_layer, check_pool

RANDOM = "random"
LAYERS = ("dense", "conv2d", "depthwise_conv2d")
POOLS = ("max_pool", "average_pool", "global_average_pool")
_WINDOW = ("kernel", "strides", "padding")


@dataclass(frozen=True)
class Block:
    """int8 values that a layer reads: their exponent's tensor (or "", with the scale of the
    quantized tensor), and the activation that made them."""

    values: str
    exponent: str = ""
    scale: float = 1.0
    zero: int = 0
    activation: str = "linear"


Delta = tuple[str, str]


@dataclass(frozen=True)
class Layer:
    """A layer's tensors. ``b`` and ``b_exp`` are "" where it has no bias."""

    op: Op
    x: Block
    w: str
    w_exp: str
    b: str
    b_exp: str
    z: str
    z_exp: str
    learns: bool


@dataclass(frozen=True)
class Pool:
    """A pooling layer: what it reads, and its window."""

    op: Op
    x: Block
    attrs: Mapping[str, Any]
    learns: bool = False


def _image(shape: Shape) -> Shape:
    """(h, w, c) of positions and channels."""
    return (1, *shape) if len(shape) == 2 else shape


def window_of(op: Op, graph: Graph) -> dict[str, Any]:
    """The window of an op, and the shape that it goes over; {} for a dense layer. Global pooling
    has one window over all."""
    if op.kind == "dense":
        return {}
    shape = _image(graph.shape(op.inputs[0]))
    if op.kind == "global_average_pool":
        return {**window_attrs(shape[:2], (1, 1), "valid"), "in_shape": shape}
    return {**{k: op.attrs[k] for k in _WINDOW}, "in_shape": shape}


@dataclass
class IntegerLayers:
    """The ops and tensors made so far."""

    graph: Graph
    tensors: dict[str, Tensor] = field(default_factory=dict)
    forward: list[Op] = field(default_factory=list)
    backward: list[Op] = field(default_factory=list)

    def shape(self, tensor: str) -> Shape:
        """Of a tensor made here, or of the graph."""
        return (self.tensors.get(tensor) or self.graph[tensor]).shape

    def computed(self, name: str, shape: Shape, dtype: str, gradient: bool = False) -> Delta:
        """Names of a new block and of its exponent."""
        role: Role = "gradient" if gradient else "activation"
        self.tensors[name] = Tensor(name, shape, role, dtype=dtype)
        exponent = f"{name}:exponent"
        self.tensors[exponent] = Tensor(exponent, (1,), role, dtype="int8")
        return name, exponent

    def stored(self, name: str, data: Array, trainable: bool) -> str:
        """Name of a new tensor of weights."""
        self.tensors[name] = Tensor(name, data.shape, "weight", data, trainable, str(data.dtype))
        return name

    def _stored_block(self, name: str, block: tuple[Array, int], trainable: bool) -> Delta:
        exponent = np.array([block[1]], np.int8)
        return (self.stored(name, block[0], trainable),
                self.stored(f"{name}:exponent", exponent, trainable))  # fmt: skip

    # ---- forward ----

    def input(self, tensor: str) -> Block:
        """Appends the conversion of float inputs."""
        outputs = self.computed(f"{tensor}:int8", self.graph.shape(tensor), "int8")
        self.forward.append(Op("i_input", outputs[0], (tensor,), outputs))
        return Block(*outputs)

    def _weights(self, op: Op, scale: float) -> tuple[str, str, str, str]:
        """Kernel and bias of a layer with their exponents, from its floats."""
        kernel = self.graph[op.inputs[1]]
        assert kernel.data is not None
        block = quantized(kernel.data.astype(np.float64) * scale)
        names = self._stored_block(kernel.name, block, kernel.trainable)
        if len(op.inputs) < 3 or not op.inputs[2]:
            return (*names, "", "")
        bias = self.graph[op.inputs[2]]
        assert bias.data is not None
        biases = quantized_bias(bias.data.astype(np.float64))
        return (*names, *self._stored_block(bias.name, biases, bias.trainable))

    def layer(self, op: Op, x: Block) -> Layer:
        """Appends the sums of a layer with weights."""
        check_layer(op, self.graph, x.zero)
        weights = self._weights(op, x.scale)
        z = self.computed(f"{op.name}:sums", self.graph.shape(op.outputs[0]), "int16")
        layer = Layer(op, x, *weights, *z, self.graph[op.inputs[1]].trainable)
        attrs = frozen_map({**window_of(op, self.graph), "zero": x.zero})
        inputs = (x.values, x.exponent, *weights)
        self.forward.append(Op(f"i_{op.kind}", op.name, inputs, z, attrs, (), op.layer))
        return layer

    def max_pool(self, op: Op, x: Block) -> tuple[Pool, Block]:
        """Appends max pooling; its output has its input's exponent."""
        pool = self._pool(op, x)
        name, shape = f"{op.name}:int8", self.graph.shape(op.outputs[0])
        self.tensors[name] = Tensor(name, shape, dtype="int8")
        self.forward.append(Op("i_max_pool", name, (x.values,), (name,), frozen_map(pool.attrs),
                               (), op.layer))  # fmt: skip
        return pool, Block(name, x.exponent)

    def average_pool(self, op: Op, x: Block) -> tuple[Pool, Delta]:
        """Appends average pooling, whose means are sums without an activation yet."""
        pool = self._pool(op, x)
        shape = (1, 1, *self.graph.shape(op.outputs[0]))[-3:]
        z = self.computed(f"{op.name}:sums", shape, "int16")
        self.forward.append(Op("i_average_pool", op.name, (x.values, x.exponent), z,
                               frozen_map(pool.attrs), (), op.layer))  # fmt: skip
        return pool, z

    def _pool(self, op: Op, x: Block) -> Pool:
        attrs = window_of(op, self.graph)
        check_pool(op, int(attrs["kernel"][0] * attrs["kernel"][1]))
        return Pool(op, x, attrs)

    def activated(self, op: Op, z: Delta) -> Block:
        """Appends the activation of a hidden layer's sums."""
        activation = str(op.attrs.get("activation", "linear"))
        if activation not in ACTIVATIONS:
            raise UnsupportedError(
                f"layer {op.layer}: {activation} has no integer form; --arithmetic int8 "
                f"takes {', '.join(ACTIVATIONS)}"
            )
        outputs = self.computed(f"{op.name}:int8", self.shape(z[0]), "int8")
        attrs = frozen_map({"activation": activation})
        self.forward.append(Op("i_activation", outputs[0], z, outputs, attrs, (), op.layer))
        return Block(*outputs, activation=activation)

    # ---- backward ----

    def gradient(self, stage: Layer | Pool, delta: Delta) -> Delta:
        """Appends the gradient by the input of a layer or of a pooling layer."""
        op, x = stage.op, stage.x
        outputs = self.computed(f"d:{x.values}", self.shape(x.values), "int16", gradient=True)
        attrs = {**window_of(op, self.graph), "input_activation": x.activation}
        weights = (stage.w, stage.w_exp) if isinstance(stage, Layer) else ()
        kind = op.kind.removeprefix("global_")
        self.backward.append(
            Op(f"i_{kind}_gradient", f"{op.name}_gradient", (x.values, *delta, *weights), outputs,
               frozen_map(attrs), (), op.layer)
        )  # fmt: skip
        return outputs

    def update(self, layer: Layer, delta: Delta) -> None:
        """Appends the layer's step."""
        op, x = layer.op, layer.x
        attrs = {"gain": float(np.float32(x.scale * x.scale)), "zero": x.zero}
        scratch: tuple[str, ...] = ()
        if op.kind != "dense":
            attrs, scratch = self._window_update(layer, attrs)
        biases = (layer.b, layer.b_exp) if layer.b else ()
        updates = (layer.w, layer.w_exp, *biases, RANDOM)
        self.backward.append(
            Op(f"i_{op.kind}_update", f"{op.name}_update", (x.values, x.exponent, *delta), scratch,
               frozen_map(attrs), updates, op.layer)
        )  # fmt: skip

    def _window_update(
        self, layer: Layer, attrs: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Attributes and scratch memory of a convolution's step: one filter's gradient."""
        filters = self.shape(layer.z)[2]
        size = self.tensors[layer.w].size // filters
        name = f"{layer.op.name}:filter_gradient"
        self.tensors[name] = Tensor(name, (size,), "gradient", dtype="int32")
        return {**window_of(layer.op, self.graph), **attrs, "filter": size}, (name,)


def ordered(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The longest elements first, so that the struct of weights has no gaps."""
    size = {name: np.dtype(t.dtype).itemsize for name, t in tensors.items()}
    return {name: tensors[name] for name in sorted(tensors, key=lambda n: -size[n])}
