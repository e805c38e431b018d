"""Fully connected layer that learns in integers: sums, input gradient, update.

The scheme is described in firmware/src/kernels/dense_i8.h; w is int8 with one exponent, the bias
int32 in units of 2**-16, sums and gradients are int32 blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import (
    BIAS_EXPONENT,
    MOST,
    random_round,
    random_words,
    rate_parts,
    shifted,
    shortened,
    step,
)
from tinylearn.ops.base import Arg, Call, Env, Macro, OpDef, Ref, Shape, Symbol, register

_DELTA_BITS = 12
_EXPONENT: Shape = (1,)


def _scalar(exponent: Array | None) -> int:
    """A block's exponent; one that is left out is 0."""
    return 0 if exponent is None else int(exponent[0])


def _sizes(graph: Graph, weights: str) -> tuple[int, int]:
    """(inputs, outputs) of a layer."""
    n_out, n_in = graph.shape(weights)
    return n_in, n_out


@register
class IntegerDense(OpDef):
    """inputs x int8, its exponent or "", w int8 [n_out, n_in], its exponent, b int32 or "";
    outputs z int32 [n_out] and its exponent."""

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
        x, x_exp, w, w_exp, b = args
        assert x is not None and w is not None
        exponent = _scalar(x_exp) + _scalar(w_exp)
        z = w.astype(np.int64) @ (x.ravel().astype(np.int64) - op.attrs["zero"])
        z = z if b is None else z + shifted(b, BIAS_EXPONENT - exponent)
        return [z.astype(np.int32), np.array([exponent], np.int32)]

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[2]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        return Call("tl_dense_i8", (*refs, *_sizes(graph, op.inputs[2]), op.attrs["zero"]))


@register
class IntegerDenseGradient(OpDef):
    """inputs x int8, dz int32, its exponent, w, its exponent; outputs dx int32 and its exponent:
    w^T dz times the slope of the activation that made x."""

    kind = "i_dense_gradient"
    headers = ("kernels/dense_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), _EXPONENT)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, dz, dz_exp, w, w_exp = args
        assert x is not None and dz is not None and w is not None
        activation = op.attrs["input_activation"]
        flat = x.ravel().astype(np.int64)
        sums = dz.astype(np.int64) @ w.astype(np.int64)
        sums = np.where(flat > 0, sums, 0) if activation == "relu" else sums
        dx, grown = shortened(sums, _DELTA_BITS)
        if activation in ("tanh", "sigmoid"):
            slope = 16384 - flat * flat if activation == "tanh" else flat * (128 - flat)
            dx = shifted(dx * slope, -14)
        exponent = _scalar(dz_exp) + _scalar(w_exp) + grown
        return [dx.astype(np.int32).reshape(x.shape), np.array([exponent], np.int32)]

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[3]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs: tuple[Arg, ...] = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        activation = Macro(f"TL_{op.attrs['input_activation'].upper()}")
        return Call("tl_dense_gradient_i8", (*refs, *_sizes(graph, op.inputs[3]), activation))


def _row_step(w: Array, v: Array, factor: int, shift: int, word: int) -> tuple[Array, int, bool]:
    """One row's new weights, the random word it ends with, and whether one was clipped."""
    used = np.flatnonzero(v)
    if not used.size:
        return w, word, False
    words = random_words(word, used.size)
    moved = w.copy()
    moved[used] -= random_round(factor * v[used], shift, words)
    return np.clip(moved, -127, 127), int(words[-1]), bool(np.abs(moved).max() > 127)


@register
class IntegerDenseUpdate(OpDef):
    """inputs x int8, its exponent or "", dz, its exponent; updates w, its exponent, b (where there
    is one) and the random word: one step of SGD, rounded at random."""

    kind = "i_dense_update"
    headers = ("kernels/dense_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, x_exp, dz, dz_exp, *updated = args
        assert x is not None and dz is not None
        w, w_exp, *biases, random = (np.asarray(u).astype(np.int64) for u in updated)
        bias = biases[0] if biases else None
        at = _scalar(dz_exp), _scalar(x_exp) - int(w_exp[0])
        v = x.ravel().astype(np.int64) - op.attrs["zero"]
        word, clipped = self._rows(op, (w, bias), (v, dz), at, env, int(random[0]) & 0xFFFFFFFF)
        if clipped:
            words = random_words(word, w.size)
            w, word = random_round(w, 1, words.reshape(w.shape)), int(words[-1])
            w_exp = w_exp + 1
        new = [w, w_exp, *([bias] if biases else []), np.array([word]).astype(np.uint32)]
        return [self._as_stored(n, u) for n, u in zip(new, updated, strict=True)]

    @staticmethod
    def _as_stored(value: Array | None, old: Array | None) -> Array:
        assert value is not None and old is not None
        return value.view(np.int32) if value.dtype == np.uint32 else value.astype(old.dtype)

    @staticmethod
    def _rows(op: Op, weights: tuple[Array, Array | None], step_of: tuple[Array, Array],
              exponents: tuple[int, int], env: Env, word: int) -> tuple[int, bool]:  # fmt: skip
        """Changes weights and biases in place; the last random word, whether any was clipped."""
        (w, bias), (v, dz), clipped = weights, step_of, False
        minus_rate = np.float32(env.minus_rate)
        rate = rate_parts(float(np.float32(-minus_rate * np.float32(op.attrs["gain"]))))
        bias_rate = rate_parts(float(-minus_rate))
        for o in np.flatnonzero(dz):
            delta = int(dz[o])
            if bias is not None:
                factor, shift = step(delta * bias_rate[0],
                                     exponents[0] + bias_rate[1] - BIAS_EXPONENT)  # fmt: skip
                words = random_words(word, 1)
                word = int(words[0])
                moved = bias[o] - random_round(np.array(factor), shift, words)[0]
                bias[o] = np.clip(moved, -MOST, MOST)
            factor, shift = step(delta * rate[0], sum(exponents) + rate[1])
            w[o], word, cut = _row_step(w[o], v, factor, shift, word)
            clipped |= cut
        return word, clipped

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.updates[0]].size

    def call(self, op: Op, graph: Graph) -> Call:
        w, w_exp, *bias, random = op.updates
        names = (*op.inputs, w, w_exp, *(bias or ("",)), random)
        rates = (Symbol("minus_rate"), float(op.attrs["gain"]))
        sizes = (*_sizes(graph, w), op.attrs["zero"])
        return Call("tl_dense_update_i8", (*(Ref(name) for name in names), *rates, *sizes))
