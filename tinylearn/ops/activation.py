"""Element-wise activations, alone or fused into the layer before them.

Every derivative is taken from the output, so that no input needs to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op, frozen_map
from tinylearn.ops.base import (
    Call,
    Env,
    GradientBuilder,
    OpDef,
    Ref,
    Shape,
    activation_args,
    register,
)
from tinylearn.ops.cases import case

NAMES = ("linear", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "relu_n1_to_1", "relu_0_to_1")


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    result: Array = np.where(x >= 0, 1, e) / (1 + e)
    return result


_FORWARD: dict[str, Callable[[Array, float], Array]] = {
    "linear": lambda x, alpha: x,
    "relu": lambda x, alpha: np.where(x < 0, 0, x),
    "relu6": lambda x, alpha: np.where(x < 0, 0, np.where(x > 6, 6, x)),
    "leaky_relu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "sigmoid": lambda x, alpha: sigmoid(x),
    "tanh": lambda x, alpha: np.tanh(x),
    "relu_n1_to_1": lambda x, alpha: np.where(x < -1, -1, np.where(x > 1, 1, x)),
    "relu_0_to_1": lambda x, alpha: np.where(x < 0, 0, np.where(x > 1, 1, x)),
}
_SLOPE: dict[str, Callable[[Array, float], Array]] = {
    "linear": lambda y, alpha: np.ones_like(y),
    "relu": lambda y, alpha: (y > 0).astype(y.dtype),
    "relu6": lambda y, alpha: ((y > 0) & (y < 6)).astype(y.dtype),
    "leaky_relu": lambda y, alpha: np.where(y > 0, 1, alpha).astype(y.dtype),
    "sigmoid": lambda y, alpha: y * (1 - y),
    "tanh": lambda y, alpha: 1 - y * y,
    "relu_n1_to_1": lambda y, alpha: (abs(y) < 1).astype(y.dtype),
    "relu_0_to_1": lambda y, alpha: ((y > 0) & (y < 1)).astype(y.dtype),
}


def _parameters(op: Op) -> tuple[str, float]:
    return op.attrs.get("activation", "linear"), op.attrs.get("alpha", 0.0)


def apply(op: Op, x: Array) -> Array:
    """The activation that ``op`` has, of x."""
    name, alpha = _parameters(op)
    return _FORWARD[name](x, alpha)


def slope(op: Op, y: Array) -> Array:
    """Derivative of the activation of ``op``, from its output y."""
    name, alpha = _parameters(op)
    return _SLOPE[name](y, alpha)


def backward(op: Op, g: GradientBuilder) -> str:
    """Adds the activation's part of an op's backward pass; returns the gradient before it."""
    d_y = g.gradient(op.outputs[0])
    if op.attrs.get("activation", "linear") == "linear":
        return d_y
    d_z = g.derived(d_y, "pre")
    attrs = frozen_map({k: op.attrs[k] for k in ("activation", "alpha") if k in op.attrs})
    y = op.outputs[0]
    g.ops.append(
        Op("activation_backward", f"{op.name}_slope", (d_y, y), (d_z,), attrs, (), op.layer)
    )
    return d_z


@register
class Activation(OpDef):
    """y = f(x)."""

    kind = "activation"
    headers = ("kernels/activation_f32.h",)
    inplace = ((0, 0),)
    summary = "ReLU, ReLU6, LeakyReLU, sigmoid, tanh (layer or inline)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [apply(op, args[0])]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        if g.wants(op.inputs[0]):
            g.share(op.inputs[0], backward(op, g))

    def call(self, op: Op, graph: Graph) -> Call:
        size = graph[op.outputs[0]].size
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_activation_f32", (*refs, size, *activation_args(op)))

    def cases(self) -> list[Graph]:
        kinds = [{"activation": n, "alpha": 0.2 if n == "leaky_relu" else 0.0} for n in NAMES[1:]]
        return [case(self.kind, (3, 2, 5), attrs=a) for a in kinds]


@register
class ActivationBackward(OpDef):
    """dx = dy * f'(x), from y."""

    kind = "activation_backward"
    headers = ("kernels/activation_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, y = args
        assert d_y is not None and y is not None
        return [d_y * slope(op, y)]

    def call(self, op: Op, graph: Graph) -> Call:
        d_y, y = op.inputs
        size = graph[d_y].size
        args = (Ref(op.outputs[0]), Ref(d_y), Ref(y), size, *activation_args(op))
        return Call("tl_activation_backward_f32", args)
