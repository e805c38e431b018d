"""Fully connected layer that learns in integers: sums, input gradient, update.

The scheme is described in firmware/src/kernels/block_i16.h and update_i8.h: w is int8, b int16,
sums and gradients are int16, and each is a block with an exponent, int8 [1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import exponent_array, shifted, summed
from tinylearn.ops.base import Arg, Call, Env, Macro, OpDef, Ref, Shape, register
from tinylearn.ops.integer_gradient import ended
from tinylearn.ops.integer_update import Update, scalar, size_of_weights, update_args

_EXPONENT: Shape = (1,)
_MOST_STEP = 1 << 21


def block_of_sums(sums: Array, exponent: int, b: Array | None, b_exp: Array | None) -> list[Array]:
    """z int16 and its exponent, from a layer's sums [.., n_out] in units of 2**exponent."""
    if b is not None:
        sums = sums + shifted(b, scalar(b_exp) - exponent)
    z, right = summed(sums)
    return [z.astype(np.int16), exponent_array(exponent + right)]


def _sizes(graph: Graph, weights: str) -> tuple[int, int]:
    """(inputs, outputs) of a layer."""
    n_out, n_in = graph.shape(weights)
    return n_in, n_out


@register
class IntegerDense(OpDef):
    """inputs x int8, its exponent or "", w int8 [n_out, n_in], its exponent, b int16 and its
    exponent, or "" and ""; outputs z int16 [n_out] and its exponent."""

    kind = "i_dense"
    headers = ("kernels/dense_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        n_in, n_out = _sizes(graph, op.inputs[2])
        if graph[op.inputs[0]].size != n_in:
            raise BadInputError(
                f"layer {op.layer}: {graph[op.inputs[0]].size} inputs do not fit {n_in} weights"
            )
        return ((n_out,), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp, w, w_exp, b, b_exp = args
        assert x is not None and w is not None
        sums = w.astype(np.int64) @ (x.ravel().astype(np.int64) - op.attrs["zero"])
        return block_of_sums(sums, scalar(x_exp) + scalar(w_exp), b, b_exp)

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[2]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        return Call("tl_dense_i8", (*refs, *_sizes(graph, op.inputs[2]), op.attrs["zero"]))


@register
class IntegerDenseGradient(OpDef):
    """inputs x int8, dz int16, its exponent, w, its exponent; outputs dx int16 and its exponent:
    w^T dz times the slope of the activation that made x."""

    kind = "i_dense_gradient"
    headers = ("kernels/dense_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz, dz_exp, w, w_exp = args
        assert x is not None and dz is not None and w is not None
        sums = (dz.astype(np.int64) @ w.astype(np.int64)).reshape(x.shape)
        return ended(sums, x, scalar(dz_exp) + scalar(w_exp), op.attrs["input_activation"])

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[3]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs: tuple[Arg, ...] = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        activation = Macro(f"TL_{op.attrs['input_activation'].upper()}")
        return Call("tl_dense_gradient_i8", (*refs, *_sizes(graph, op.inputs[3]), activation))


@register
class IntegerDenseUpdate(OpDef):
    """inputs x int8, its exponent or "", dz, its exponent; updates w, its exponent, b and its
    exponent (where there are) and the random word: one step of SGD, rounded at random."""

    kind = "i_dense_update"
    headers = ("kernels/dense_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp, dz, dz_exp, *stored = args
        assert x is not None and dz is not None
        update = Update.begin(op, stored, scalar(x_exp) + scalar(dz_exp), scalar(dz_exp), env)
        v = x.ravel().astype(np.int64) - op.attrs["zero"]
        for o in np.flatnonzero(dz):
            update.bias_step(int(o), int(dz[o]))
            update.row_step(update.w[o], v, int(dz[o]), 0, _MOST_STEP)
        return update.end(stored)

    def macs(self, op: Op, graph: Graph) -> int:
        return size_of_weights(op, graph)

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = (*_sizes(graph, op.updates[0]), op.attrs["zero"])
        return Call("tl_dense_update_i8", (*update_args(op), *sizes))
