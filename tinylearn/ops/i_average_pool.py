"""Average pooling of int8 blocks over the inputs inside each window: a block of int16, as a layer's
sums are. Global pooling is one window over all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import integer_window, window
from tinylearn.ops.base import Call, Env, Macro, OpDef, Ref, Shape, register
from tinylearn.ops.i_dense import block_of_sums
from tinylearn.ops.integer_gradient import ended
from tinylearn.ops.integer_update import scalar

_EXPONENT: Shape = (1,)
_MEAN_BITS, _SHARE_BITS = 20, 15


def _inverses(op: Op, bits: int) -> Array:
    """1 / (inputs inside each window) in units of 2**-bits, [h, w, c]."""
    ones = np.ones(integer_window.in_shape(op), np.int64)
    counts: Array = window.patches(op, ones).sum(axis=(3, 4))
    return np.asarray(((1 << bits) + counts // 2) // counts)


@register
class IntegerAveragePool(OpDef):
    """inputs x int8, its exponent; outputs z int16 [out_h, out_w, c] and its exponent."""

    kind = "i_average_pool"
    headers = ("kernels/average_pool_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        shape = integer_window.in_shape(op)
        integer_window.check(op, graph, shape[2])
        return (window.out_shape(op, shape, shape[2]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp = args
        assert x is not None
        totals = integer_window.patches(op, x).sum(axis=(3, 4))
        sums = totals * _inverses(op, _MEAN_BITS)
        return block_of_sums(sums, scalar(x_exp) - _MEAN_BITS, None, None)

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        sizes = integer_window.sizes(op, integer_window.in_shape(op)[2])
        return Call("tl_average_pool_i8", (*refs, sizes))


@register
class IntegerAveragePoolGradient(OpDef):
    """inputs x int8, dz int16, its exponent; outputs dx int16 and its exponent."""

    kind = "i_average_pool_gradient"
    headers = ("kernels/average_pool_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz, dz_exp = args
        assert x is not None and dz is not None
        inverses = _inverses(op, _SHARE_BITS)
        share = dz.astype(np.int64).reshape(inverses.shape) * inverses
        tiles = np.broadcast_to(share[..., None, None], (*share.shape, *op.attrs["kernel"]))
        sums = window.scatter(op, tiles, integer_window.in_shape(op)).reshape(x.shape)
        return ended(sums, x, scalar(dz_exp) - _SHARE_BITS, op.attrs["input_activation"])

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        sizes = integer_window.sizes(op, integer_window.in_shape(op)[2])
        activation = Macro(f"TL_{op.attrs['input_activation'].upper()}")
        return Call("tl_average_pool_gradient_i8", (*refs, sizes, activation))
