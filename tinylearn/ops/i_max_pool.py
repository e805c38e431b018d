"""Max pooling of int8 blocks: the output has its input's exponent; the gradient goes to the first
maximum of each window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import DELTA_BITS, shifted
from tinylearn.ops import integer_window, window
from tinylearn.ops.base import Call, Env, Macro, OpDef, Ref, Shape, register
from tinylearn.ops.integer_gradient import ended
from tinylearn.ops.integer_update import scalar

_EXPONENT: Shape = (1,)
_BELOW_ALL = -32768


def _flat_windows(op: Op, x: Array) -> Array:
    shaped = x.reshape(integer_window.in_shape(op)).astype(np.int64)
    tiles = window.patches(op, shaped, fill=_BELOW_ALL)
    return tiles.reshape(*tiles.shape[:3], -1)


@register
class IntegerMaxPool(OpDef):
    """input x int8; output y int8 [out_h, out_w, c]."""

    kind = "i_max_pool"
    headers = ("kernels/max_pool_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        shape = integer_window.in_shape(op)
        integer_window.check(op, graph, shape[2])
        return (window.out_shape(op, shape, shape[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [_flat_windows(op, args[0]).max(axis=-1).astype(np.int8)]

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = integer_window.sizes(op, integer_window.in_shape(op)[2])
        return Call("tl_max_pool_i8", (Ref(op.outputs[0]), Ref(op.inputs[0]), sizes))


@register
class IntegerMaxPoolGradient(OpDef):
    """inputs x int8, dy int16, its exponent; outputs dx int16 and its exponent."""

    kind = "i_max_pool_gradient"
    headers = ("kernels/max_pool_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    @staticmethod
    def _right(op: Op) -> int:
        """By how much deltas are shifted right, so that those of all windows over one input fit."""
        (k_h, k_w), (s_h, s_w) = op.attrs["kernel"], op.attrs["strides"]
        overlaps, right = math.ceil(k_h / s_h) * math.ceil(k_w / s_w), 0
        while overlaps * (1 << DELTA_BITS >> right) > np.iinfo(np.int16).max:
            right += 1
        return right

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dy, dy_exp = args
        assert x is not None and dy is not None
        flat, right = _flat_windows(op, x), self._right(op)
        deltas = shifted(dy, -right) if right else dy.astype(np.int64)
        first = np.arange(flat.shape[-1]) == flat.argmax(axis=-1)[..., None]
        spread = (first * deltas.reshape(flat.shape[:3])[..., None]).reshape(
            *flat.shape[:3], *op.attrs["kernel"]
        )
        sums = window.scatter(op, spread, integer_window.in_shape(op)).reshape(x.shape)
        return ended(sums, x, scalar(dy_exp) + right, op.attrs["input_activation"])

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        sizes = integer_window.sizes(op, integer_window.in_shape(op)[2])
        activation = Macro(f"TL_{op.attrs['input_activation'].upper()}")
        return Call("tl_max_pool_gradient_i8", (*refs, sizes, self._right(op), activation))
