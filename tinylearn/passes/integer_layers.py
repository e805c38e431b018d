"""The integer ops of each layer, for ``integer_learning``: forward, input gradient, update.

A layer's kernel and bias become int8 and int16 blocks; what is int8 already, the frozen body of
a quantized network, stays as it is: its scale goes into the weights of the layer that reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array, Graph, Op, Tensor, frozen_map
from tinylearn.ir.integer import quantized, quantized_bias
from tinylearn.ops.base import Shape
from tinylearn.ops.i_activation import ACTIVATIONS

#: taps of one sum, and deltas of one sum backward: so many fit 32 bits
MOST_INPUTS = 8192
MOST_OUTPUTS = 4096
RANDOM = "random"
LAYERS = ("dense",)


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

    @property
    def attrs(self) -> dict[str, Any]:
        """The window of a convolution."""
        return {k: v for k, v in self.op.attrs.items() if k in ("kernel", "strides", "padding")}


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
        role = "gradient" if gradient else "activation"
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
        check_size(op, self.graph, x)
        weights = self._weights(op, x.scale)
        z = self.computed(f"{op.name}:sums", self.graph.shape(op.outputs[0]), "int16")
        layer = Layer(op, x, *weights, *z, self.graph[op.inputs[1]].trainable)
        attrs = frozen_map({**layer.attrs, "zero": x.zero})
        inputs = (x.values, x.exponent, *weights)
        self.forward.append(Op(f"i_{op.kind}", op.name, inputs, z, attrs, (), op.layer))
        return layer

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

    def gradient(self, layer: Layer, delta: Delta) -> Delta:
        """Appends the gradient by the layer's input."""
        op, x = layer.op, layer.x
        outputs = self.computed(f"d:{x.values}", self.shape(x.values), "int16", gradient=True)
        attrs = frozen_map({**layer.attrs, "input_activation": x.activation})
        inputs = (x.values, *delta, layer.w, layer.w_exp)
        self.backward.append(
            Op(f"i_{op.kind}_gradient", f"{op.name}_gradient", inputs, outputs, attrs, (), op.layer)
        )
        return outputs

    def update(self, layer: Layer, delta: Delta) -> None:
        """Appends the layer's step."""
        op, x = layer.op, layer.x
        attrs = frozen_map(
            {**layer.attrs, "gain": float(np.float32(x.scale * x.scale)), "zero": x.zero}
        )
        biases = (layer.b, layer.b_exp) if layer.b else ()
        updates = (layer.w, layer.w_exp, *biases, RANDOM)
        self.backward.append(
            Op(f"i_{op.kind}_update", f"{op.name}_update", (x.values, x.exponent, *delta),
               self._scratch(layer), attrs, updates, op.layer)
        )  # fmt: skip

    def _scratch(self, layer: Layer) -> tuple[str, ...]:
        return ()


def check_size(op: Op, graph: Graph, x: Block) -> None:
    """Raises UnsupportedError where a sum could leave 32 bits."""
    n_out, n_in = graph.shape(op.inputs[1])
    if n_in > MOST_INPUTS or n_out > MOST_OUTPUTS:
        raise UnsupportedError(
            f"layer {op.layer}: {n_in} inputs and {n_out} outputs; --arithmetic int8 takes "
            f"at most {MOST_INPUTS} and {MOST_OUTPUTS}, so that sums fit 32 bits"
        )


def ordered(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The longest elements first, so that the struct of weights has no gaps."""
    size = {name: np.dtype(t.dtype).itemsize for name, t in tensors.items()}
    return {name: tensors[name] for name in sorted(tensors, key=lambda n: -size[n])}
