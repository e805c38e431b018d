"""Depthwise convolution that learns in integers, weights [k_h, k_w, out_c], output channel =
channel * multiplier + m: sums, input gradient, update. Blocks are those of ``i_dense``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import integer_window, window
from tinylearn.ops.base import Call, Env, OpDef, Shape, register
from tinylearn.ops.i_conv2d import forward_call, gradient_call, stepped, update_call
from tinylearn.ops.i_dense import block_of_sums
from tinylearn.ops.integer_gradient import ended
from tinylearn.ops.integer_update import Update, scalar

_EXPONENT: Shape = (1,)


def _repeated(op: Op, x: Array, out_c: int) -> Array:
    """Patches with each channel repeated for its multiplier: [h, w, out_c, k_h, k_w]."""
    taps = integer_window.patches(op, x, op.attrs["zero"])
    return np.repeat(taps, out_c // taps.shape[2], axis=2)


@register
class IntegerDepthwiseConv2D(OpDef):
    """inputs x int8, its exponent or "", w int8 [k_h, k_w, out_c], its exponent, b int16 and its
    exponent, or "" and ""; outputs z int16 [out_h, out_w, out_c] and its exponent."""

    kind = "i_depthwise_conv2d"
    headers = ("kernels/depthwise_conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        shape = integer_window.in_shape(op)
        integer_window.check(op, graph, shape[2])
        return (window.out_shape(op, shape, graph.shape(op.inputs[2])[2]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp, w, w_exp, b, b_exp = args
        assert x is not None and w is not None
        sums = np.einsum("hwckl,klc->hwc", _repeated(op, x, w.shape[2]), w.astype(np.int64))
        return block_of_sums(sums, scalar(x_exp) + scalar(w_exp), b, b_exp)

    def macs(self, op: Op, graph: Graph) -> int:
        k_h, k_w = op.attrs["kernel"]
        return graph[op.outputs[0]].size * int(k_h * k_w)

    def call(self, op: Op, graph: Graph) -> Call:
        return forward_call("tl_depthwise_conv2d_i8", op, graph.shape(op.outputs[0])[2])


@register
class IntegerDepthwiseConv2DGradient(OpDef):
    """inputs x int8, dz int16, its exponent, w, its exponent; outputs dx int16 and its exponent."""

    kind = "i_depthwise_conv2d_gradient"
    headers = ("kernels/depthwise_conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz, dz_exp, w, w_exp = args
        assert x is not None and dz is not None and w is not None
        shape = integer_window.in_shape(op)
        spread = np.einsum("hwc,klc->hwckl", dz.astype(np.int64), w.astype(np.int64))
        grouped = spread.reshape(*dz.shape[:2], shape[2], -1, *op.attrs["kernel"])
        sums = window.scatter(op, grouped.sum(axis=3), shape).reshape(x.shape)
        return ended(sums, x, scalar(dz_exp) + scalar(w_exp), op.attrs["input_activation"])

    def macs(self, op: Op, graph: Graph) -> int:
        k_h, k_w = op.attrs["kernel"]
        return graph[op.inputs[1]].size * int(k_h * k_w)

    def call(self, op: Op, graph: Graph) -> Call:
        return gradient_call("tl_depthwise_conv2d_gradient_i8", op, graph.shape(op.inputs[1])[2])


@register
class IntegerDepthwiseConv2DUpdate(OpDef):
    """inputs x int8, its exponent or "", dz, its exponent; output scratch int32 for one channel's
    gradient; updates w, its exponent, b and its exponent (where there are), the random word."""

    kind = "i_depthwise_conv2d_update"
    headers = ("kernels/depthwise_conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ((op.attrs["filter"],),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz = args[0], args[2]
        assert x is not None and dz is not None
        taps = _repeated(op, x, dz.shape[2])
        gradients = np.einsum("hwc,hwckl->klc", dz.astype(np.int64), taps)

        def one(update: Update, o: int) -> tuple[Array, Array]:
            return update.w.reshape(-1, dz.shape[2])[:, o], gradients[..., o].ravel()

        return stepped(op, args, env, one)

    def macs(self, op: Op, graph: Graph) -> int:
        k_h, k_w = op.attrs["kernel"]
        return graph[op.inputs[2]].size * int(k_h * k_w)

    def call(self, op: Op, graph: Graph) -> Call:
        return update_call("tl_depthwise_conv2d_update_i8", op, graph.shape(op.inputs[2])[2])
