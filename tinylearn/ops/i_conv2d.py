"""Two-dimensional convolution that learns in integers, weights OHWI: sums, input gradient, update.

Blocks are those of ``i_dense``. The gradient of one filter is summed in int32 before its step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import integer_window, window
from tinylearn.ops.base import Call, Env, Macro, OpDef, Ref, Shape, register
from tinylearn.ops.i_dense import block_of_sums
from tinylearn.ops.integer_gradient import ended
from tinylearn.ops.integer_update import Update, scalar, update_args

_EXPONENT: Shape = (1,)


def forward_call(function: str, op: Op, channels: int) -> Call:
    """The forward kernel call of any convolution with so many output channels."""
    refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
    return Call(function, (*refs, integer_window.sizes(op, channels), op.attrs["zero"]))


def gradient_call(function: str, op: Op, channels: int) -> Call:
    """The kernel call of a convolution's input gradient."""
    refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
    activation = Macro(f"TL_{op.attrs['input_activation'].upper()}")
    return Call(function, (*refs, integer_window.sizes(op, channels), activation))


def update_call(function: str, op: Op, channels: int) -> Call:
    """The kernel call of a convolution's step; its output is scratch memory."""
    sizes = integer_window.sizes(op, channels)
    return Call(function, (Ref(op.outputs[0]), *update_args(op), sizes, op.attrs["zero"]))


def stepped(
    op: Op,
    args: Sequence[Array | None],
    env: Env,
    filters: Callable[[Update, int], tuple[Array, Array]],
) -> list[Array]:
    """Scratch memory and new updates of a convolution: one step a filter whose deltas are not all
    0. ``filters(update, o)``: a view of filter o's weights, and its gradient, flat."""
    x, x_exp, dz, dz_exp, *stored = args
    assert x is not None and dz is not None
    update = Update.begin(op, stored, scalar(x_exp) + scalar(dz_exp), scalar(dz_exp), env)
    gradient = np.zeros(op.attrs["filter"], np.int64)
    for o in range(dz.shape[-1]):
        if dz[..., o].any():
            update.bias_sum_step(o, int(dz[..., o].sum(dtype=np.int64)))
            w, gradient = filters(update, o)
            update.taps_step(w, gradient)
    return [gradient.astype(np.int32), *update.end(stored)]


@register
class IntegerConv2D(OpDef):
    """inputs x int8, its exponent or "", w int8 [out_c, k_h, k_w, c], its exponent, b int16 and its
    exponent, or "" and ""; outputs z int16 [out_h, out_w, out_c] and its exponent."""

    kind = "i_conv2d"
    headers = ("kernels/conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        w = graph.shape(op.inputs[2])
        integer_window.check(op, graph, w[3])
        return (window.out_shape(op, integer_window.in_shape(op), w[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp, w, w_exp, b, b_exp = args
        assert x is not None and w is not None
        taps = integer_window.patches(op, x, op.attrs["zero"])
        sums = np.tensordot(taps, w.astype(np.int64), axes=((2, 3, 4), (3, 1, 2)))
        return block_of_sums(sums, scalar(x_exp) + scalar(w_exp), b, b_exp)

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.outputs[0])
        return out_h * out_w * graph[op.inputs[2]].size

    def call(self, op: Op, graph: Graph) -> Call:
        return forward_call("tl_conv2d_i8", op, graph.shape(op.outputs[0])[2])


@register
class IntegerConv2DGradient(OpDef):
    """inputs x int8, dz int16, its exponent, w, its exponent; outputs dx int16 and its exponent."""

    kind = "i_conv2d_gradient"
    headers = ("kernels/conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz, dz_exp, w, w_exp = args
        assert x is not None and dz is not None and w is not None
        spread = np.tensordot(dz.astype(np.int64), w.astype(np.int64), axes=(2, 0))
        sums = window.scatter(op, spread.transpose(0, 1, 4, 2, 3), integer_window.in_shape(op))
        exponent, activation = scalar(dz_exp) + scalar(w_exp), op.attrs["input_activation"]
        return ended(sums.reshape(x.shape), x, exponent, activation)

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.inputs[1])
        return out_h * out_w * graph[op.inputs[3]].size

    def call(self, op: Op, graph: Graph) -> Call:
        return gradient_call("tl_conv2d_gradient_i8", op, graph.shape(op.inputs[1])[2])


@register
class IntegerConv2DUpdate(OpDef):
    """inputs x int8, its exponent or "", dz, its exponent; output scratch int32 for one filter's
    gradient; updates w, its exponent, b and its exponent (where there are), the random word."""

    kind = "i_conv2d_update"
    headers = ("kernels/conv2d_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ((op.attrs["filter"],),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz = args[0], args[2]
        assert x is not None and dz is not None
        taps = integer_window.patches(op, x, op.attrs["zero"])

        def one(update: Update, o: int) -> tuple[Array, Array]:
            gradient = np.tensordot(dz[..., o].astype(np.int64), taps, axes=((0, 1), (0, 1)))
            return update.w[o].reshape(-1), gradient.transpose(1, 2, 0).ravel()

        return stepped(op, args, env, one)

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.inputs[2])
        return out_h * out_w * graph[op.updates[0]].size

    def call(self, op: Op, graph: Graph) -> Call:
        return update_call("tl_conv2d_update_i8", op, graph.shape(op.inputs[2])[2])
