"""Steps of int8 weights and int16 biases, rounded at random: bit for bit
firmware/src/kernels/update_i8.h, for the ops that learn in integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import (
    DELTA_BITS,
    block_shift,
    exponent_array,
    next_word,
    random_round,
    rate_parts,
    row_words,
    shifted,
    shortened,
    step,
)
from tinylearn.ops.base import Arg, Env, Ref, Symbol

_MOST_WEIGHT, _MOST_BIAS = 127, 32767
_MOST_BIAS_STEP, _MOST_TAPS_STEP = 1 << 21, 1 << 17
_BIAS_SUM_BITS = 20


def scalar(exponent: Array | None) -> int:
    """A block's exponent; one that is left out is 0."""
    return 0 if exponent is None else int(exponent[0])


@dataclass
class Update:
    """One layer's step: weights, biases (None where it has none), their exponents and the random
    word, all changed in place. ``rates``: mantissa and exponent of a step for a gradient of 1."""

    w: Array
    w_exp: int
    b: Array | None
    b_exp: int
    word: int
    rate: tuple[int, int]
    bias_rate: tuple[int, int]
    cut: bool = False
    bias_cut: bool = False

    @staticmethod
    def begin(
        op: Op, stored: Sequence[Array | None], exponents: int, dz_exp: int, env: Env
    ) -> Update:
        """From an op's updates: w, its exponent, b and its exponent (or neither), random word.

        ``exponents``: the sum of those of the layer's input and of its gradient, ``dz_exp`` the
        latter alone.
        """
        w, w_exp, *biases, random = (np.asarray(u).astype(np.int64) for u in stored)
        b, b_exp = (biases[0], int(biases[1][0])) if biases else (None, 0)
        minus_rate = np.float32(env.minus_rate)
        mantissa, exponent = rate_parts(
            float(np.float32(-minus_rate * np.float32(op.attrs["gain"])))
        )
        bias_mantissa, bias_exponent = rate_parts(float(-minus_rate))
        return Update(w, int(w_exp[0]), b, b_exp, int(random[0]) & 0xFFFFFFFF,
                      (mantissa, exponents + exponent - int(w_exp[0])),
                      (bias_mantissa, dz_exp + bias_exponent - b_exp))  # fmt: skip

    def bias_step(self, o: int, dz: int, right: int = 0) -> None:
        """Moves bias o for a gradient dz * 2**right."""
        if self.b is None:
            return
        mantissa, exponent = self.bias_rate
        factor, shift = step(dz * mantissa, exponent + right, _MOST_BIAS_STEP)
        self.word = next_word(self.word)
        words = np.array([self.word], np.uint32)
        moved = int(self.b[o]) - int(random_round(np.array([factor]), shift, words)[0])
        self.bias_cut |= abs(moved) > _MOST_BIAS
        self.b[o] = max(min(moved, _MOST_BIAS), -_MOST_BIAS)

    def bias_sum_step(self, o: int, dz: int) -> None:
        """Moves bias o for a gradient of any size."""
        right = block_shift(np.array([dz]), _BIAS_SUM_BITS)
        self.bias_step(o, int(shifted(np.array([dz]), -right)[0]) if right else dz, right)

    def taps_step(self, w: Array, gradient: Array) -> None:
        """Moves a filter of weights (a view) by the rate times its gradient."""
        v, right = shortened(gradient, DELTA_BITS)
        self.row_step(w, v, 1, right, _MOST_TAPS_STEP)

    def row_step(self, w: Array, v: Array, factor: int, right: int, most: int) -> None:
        """Moves a row of weights (a view) by the rate times factor * v * 2**right."""
        mantissa, exponent = self.rate
        factor, shift = step(factor * mantissa, exponent + right, most)
        self.word = next_word(self.word)
        words = row_words(self.word, v.size).reshape(v.shape)
        moved = w - random_round(factor * v.astype(np.int64), shift, words)
        self.cut |= bool(np.abs(moved).max(initial=0) > _MOST_WEIGHT)
        w[...] = np.clip(moved, -_MOST_WEIGHT, _MOST_WEIGHT)

    def end(self, stored: Sequence[Array | None]) -> list[Array]:
        """The op's new updates, with doubled ranges where a weight or a bias was cut."""
        if self.cut:
            self.w, self.w_exp = self._halved(self.w), self.w_exp + 1
        if self.bias_cut and self.b is not None:
            self.b, self.b_exp = self._halved(self.b), self.b_exp + 1
        word = np.array([self.word], np.uint32).view(np.int32)
        biases = [] if self.b is None else [self.b, exponent_array(self.b_exp)]
        new = [self.w, exponent_array(self.w_exp), *biases, word]
        return [n.astype(_dtype(u)) for n, u in zip(new, stored, strict=True)]

    def _halved(self, v: Array) -> Array:
        self.word = next_word(self.word)
        return random_round(v, 1, row_words(self.word, v.size).reshape(v.shape))


def _dtype(stored: Array | None) -> Any:
    assert stored is not None
    return stored.dtype


def update_args(op: Op) -> tuple[Arg, ...]:
    """The kernel arguments that all updates share: tensors, rate and gain."""
    w, w_exp, *biases, random = op.updates
    names = (*op.inputs, w, w_exp, *(biases or ("", "")), random)
    return (*(Ref(name) for name in names), Symbol("minus_rate"), float(op.attrs["gain"]))


def size_of_weights(op: Op, graph: Graph) -> int:
    """Elements of the weights that an update changes."""
    return graph[op.updates[0]].size
