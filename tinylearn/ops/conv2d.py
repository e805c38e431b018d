"""Two-dimensional convolution, weights OHWI. One-dimensional layers come here as h = 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import activation, window
from tinylearn.ops.base import (
    Call,
    Env,
    GradientBuilder,
    OpDef,
    Ref,
    Shape,
    Symbol,
    activation_args,
    register,
)  # fmt: skip
from tinylearn.ops.cases import case, dilated, windows


def add_backward(op: Op, g: GradientBuilder) -> None:
    """The backward op of any convolution: inputs x, dy, w."""
    x, w, b = op.inputs
    d_y = activation.backward(op, g)
    d_x = (g.new(x),) if g.wants(x) else ()
    updates = (g.updated(w), g.updated(b))
    g.add(op, (x, d_y, w), d_x, updates, activation="linear", bias=bool(updates[1]),
          frozen=not updates[0], skip=g.skips(d_y))  # fmt: skip


def backward_call(function: str, op: Op, graph: Graph) -> Call:
    """The backward kernel call of any convolution."""
    x, d_y, w = op.inputs
    updates = list(op.updates)
    u_w = "" if op.attrs["frozen"] else updates.pop(0)
    u_b = updates.pop(0) if op.attrs["bias"] else ""
    d_x = op.outputs[0] if op.outputs else ""
    refs = tuple(Ref(name) for name in (d_x, x, d_y, w, u_w, u_b))
    sizes = window.struct(op, graph.shape(x), graph.shape(d_y))
    return Call(function, (*refs, Symbol("step"), sizes, int(op.attrs["skip"])))


def updated_values(
    op: Op, d_x: Array | None, d_w: Array, d_b: Array, old: Sequence[Array | None], step: float
) -> list[Array]:
    """Outputs and updates of a convolution's backward op, in the order the op names them."""
    results = [] if d_x is None else [d_x]
    steps = [] if op.attrs["frozen"] else [d_w]
    steps += [d_b] if op.attrs["bias"] else []
    return results + [u + step * s for u, s in zip(old, steps, strict=True) if u is not None]


@register
class Conv2D(OpDef):
    """inputs x [h, w, c], weights [out_c, k_h, k_w, c], b [out_c] or ""."""

    kind = "conv2d"
    headers = ("kernels/conv2d_f32.h",)
    fuses_activation = True
    weights = (1, 2)
    summary = "Conv2D, Conv1D, the pointwise half of SeparableConv2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w = graph.shape(op.inputs[0]), graph.shape(op.inputs[1])
        if len(x) != 3 or len(w) != 4 or x[2] != w[3] or w[1:3] != op.attrs["kernel"]:
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (OHWI)")
        return (window.out_shape(op, x, w[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, b = args
        assert x is not None and w is not None
        z = np.tensordot(window.patches(op, x), w, axes=((2, 3, 4), (3, 1, 2)))
        return [activation.apply(op, z if b is None else z + b)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        add_backward(op, g)

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.outputs[0])
        return out_h * out_w * graph[op.inputs[1]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        return Call("tl_conv2d_f32", (*refs, sizes, *activation_args(op)))

    def cases(self) -> list[Graph]:
        square = [case(self.kind, (7, 8, 3), ((5, 3, 3, 3), (5,)), a) for a in windows((3, 3))]
        line = [case(self.kind, (1, 12, 2), ((4, 1, 5, 2), (4,)), a) for a in windows((1, 5))]
        pointwise = {"kernel": (1, 1), "strides": (1, 1), "padding": "valid"}
        apart = [
            case(self.kind, (7, 8, 3), ((4, 3, 2, 3), (4,)), a) for a in dilated((3, 2), (2, 3))
        ]
        tail = [
            case(self.kind, (1, 12, 2), ((3, 1, 3, 2), (3,)), a) for a in dilated((1, 3), (1, 4))
        ]
        point = case(self.kind, (4, 4, 9), ((8, 1, 1, 9), (8,)), pointwise)
        return [*square, *line, point, *apart, *tail]


@register
class Conv2DBackward(OpDef):
    """inputs x, dy, w; output dx (if wanted); updates: what w's and b's gradients go to."""

    kind = "conv2d_backward"
    headers = ("kernels/conv2d_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),) if op.outputs else ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, d_y, w, *old = args
        assert x is not None and d_y is not None and w is not None
        d_w = np.tensordot(d_y, window.patches(op, x), axes=((0, 1), (0, 1)))
        d_x = None
        if op.outputs:
            d_patches = np.tensordot(d_y, w, axes=(2, 0)).transpose(0, 1, 4, 2, 3)
            d_x = window.scatter(op, d_patches, x.shape)
        d_b = d_y.sum(axis=(0, 1))
        return updated_values(op, d_x, d_w.transpose(0, 2, 3, 1), d_b, old, env.step)

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.inputs[1])
        sweeps = len(op.outputs) + (not op.attrs["frozen"])
        return out_h * out_w * graph[op.inputs[2]].size * sweeps

    def call(self, op: Op, graph: Graph) -> Call:
        return backward_call("tl_conv2d_backward_f32", op, graph)
