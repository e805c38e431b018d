"""Depthwise convolution, weights [k_h, k_w, out_c], output channel = channel * multiplier + m."""

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
    activation_args,
    register,
)
from tinylearn.ops.cases import case, dilated, windows
from tinylearn.ops.conv2d import add_backward, backward_call, updated_values


def _repeated(op: Op, x: Array, w: Array) -> Array:
    """Patches with each channel repeated for its multiplier: [h, w, out_c, k_h, k_w]."""
    return np.repeat(window.patches(op, x), w.shape[2] // x.shape[2], axis=2)


@register
class DepthwiseConv2D(OpDef):
    """inputs x [h, w, c], weights [k_h, k_w, c * multiplier], b or ""."""

    kind = "depthwise_conv2d"
    headers = ("kernels/depthwise_conv2d_f32.h",)
    fuses_activation = True
    weights = (1, 2)
    summary = "DepthwiseConv2D, the depthwise half of SeparableConv2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w = graph.shape(op.inputs[0]), graph.shape(op.inputs[1])
        if len(x) != 3 or len(w) != 3 or w[2] % x[2] or w[:2] != op.attrs["kernel"]:
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (HWC)")
        return (window.out_shape(op, x, w[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, b = args
        assert x is not None and w is not None
        z = np.einsum("hwckl,klc->hwc", _repeated(op, x, w), w)
        return [activation.apply(op, z if b is None else z + b)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        add_backward(op, g)

    def macs(self, op: Op, graph: Graph) -> int:
        k_h, k_w = op.attrs["kernel"]
        return graph[op.outputs[0]].size * int(k_h * k_w)

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        return Call("tl_depthwise_conv2d_f32", (*refs, sizes, *activation_args(op)))

    def cases(self) -> list[Graph]:
        plain = [case(self.kind, (7, 8, 5), ((3, 3, 5), (5,)), a) for a in windows((3, 3))]
        wide = [case(self.kind, (6, 5, 3), ((2, 3, 6), (6,)), a) for a in windows((2, 3))]
        apart = [case(self.kind, (6, 7, 4), ((2, 3, 4), (4,)), a) for a in dilated((2, 3), (3, 2))]
        return [*plain, *wide, *apart]


@register
class DepthwiseConv2DBackward(OpDef):
    """inputs x, dy, w; output dx (if wanted); updates: what w's and b's gradients go to."""

    kind = "depthwise_conv2d_backward"
    headers = ("kernels/depthwise_conv2d_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),) if op.outputs else ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, d_y, w, *old = args
        assert x is not None and d_y is not None and w is not None
        d_w = np.einsum("hwc,hwckl->klc", d_y, _repeated(op, x, w))
        d_x = None
        if op.outputs:
            d_patches = np.einsum("hwc,klc->hwckl", d_y, w)
            grouped = d_patches.reshape(*d_y.shape[:2], x.shape[2], -1, *op.attrs["kernel"])
            d_x = window.scatter(op, grouped.sum(axis=3), x.shape)
        return updated_values(op, d_x, d_w, d_y.sum(axis=(0, 1)), old, env.step)

    def macs(self, op: Op, graph: Graph) -> int:
        k_h, k_w = op.attrs["kernel"]
        sweeps = len(op.outputs) + (not op.attrs["frozen"])
        return graph[op.inputs[1]].size * int(k_h * k_w) * sweeps

    def call(self, op: Op, graph: Graph) -> Call:
        return backward_call("tl_depthwise_conv2d_backward_f32", op, graph)
