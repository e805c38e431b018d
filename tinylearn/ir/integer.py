"""Block arithmetic of learning in integers, in NumPy and bit for bit as
firmware/src/kernels/block_i16.h and fixed_i32.h have it.

A block is an array of integers v with one exponent e: each stands for v * 2**e (Wang et al.
2020, "NITI"). Rounding at random lets steps below one unit count on average (Gupta et al. 2015,
"Deep Learning with Limited Numerical Precision").
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from tinylearn.ir.graph import Array

#: sums stay below 2**29 and what is added to them at most this
MOST = 1 << 28
#: of gradients
DELTA_BITS = 12
_SUM_BITS = 15
_MOST_EXPONENT = 127
#: of biases that are all 0: room for 4.0
_BIAS_DEFAULT = -13
_MULTIPLIER, _INCREMENT, _GOLDEN = 1664525, 1013904223, 0x9E3779B9
_LN2_Q12 = 2839
_MOST_GAP = 4095


def shifted(v: Array, left: int) -> Array:
    """v * 2**left, halves up, at most ``MOST``."""
    v = np.asarray(v, np.int64)
    if left < -30:
        return np.zeros_like(v)
    if left < 0:
        return np.asarray((v + (1 << (-left - 1))) >> -left)
    left = min(left, 28)
    return np.asarray(np.clip(v, -(MOST >> left), MOST >> left) << left)


def block_shift(v: Array, bits: int) -> int:
    """By how much a block must be shifted right for its values to have so many bits."""
    v = np.asarray(v, np.int64)
    used = int(np.bitwise_or.reduce(v ^ (v >> 63), axis=None)).bit_length()
    return max(used - bits, 0)


def shortened(v: Array, bits: int) -> tuple[Array, int]:
    """The block with at most so many bits, and what its exponent grows by."""
    right = block_shift(v, bits)
    return (shifted(v, -right) if right else np.asarray(v, np.int64)), right


def summed(sums: Array) -> tuple[Array, int]:
    """Sums in 15 bits, rounded down, and what their exponent grows by."""
    right = block_shift(sums, _SUM_BITS)
    return np.asarray(sums, np.int64) >> right, right


def gradient_block(sums: Array) -> tuple[Array, int]:
    """Sums as a gradient of 12 bits, and what its exponent grows by."""
    v, right = summed(sums)
    v, grown = shortened(v, DELTA_BITS)
    return v, right + grown


def exponent_array(e: int) -> Array:
    """An exponent as it is stored: int8 [1], at most 127 either way."""
    return np.array([min(max(e, -_MOST_EXPONENT), _MOST_EXPONENT)], np.int8)


@cache
def _exp_tables() -> tuple[Array, Array]:
    quarters = [round(32768 * math.exp(-k / 4)) for k in range(64)]
    rests = [round(32768 * math.exp(-k / 256)) for k in range(64)]
    return np.array(quarters, np.int64), np.array(rests, np.int64)


def exp_q15(gap: Array) -> Array:
    """exp(-gap / 256) in Q15 for gaps from 0 to 4095."""
    quarters, rests = _exp_tables()
    gap = np.asarray(gap, np.int64)
    return np.asarray((quarters[gap >> 6] * rests[gap & 63] + 16384) >> 15)


@cache
def _ln_places() -> Array:
    return np.array([round(4096 * math.log1p(k / 64)) for k in range(65)], np.int64)


def ln_q12(v: int) -> int:
    """ln(v / 2**15) in Q12 of a positive v."""
    bits, places = v.bit_length(), _ln_places()
    rest = ((v << (32 - bits) << 1) & 0xFFFFFFFF) >> 16
    low = int(places[rest >> 10])
    low += ((int(places[(rest >> 10) + 1]) - low) * (rest & 1023)) >> 10
    return low + (bits - 16) * _LN2_Q12


def sigmoid_q15(z_q8: Array) -> Array:
    """sigmoid(z / 256) in Q15."""
    e = exp_q15(np.minimum(np.abs(z_q8), _MOST_GAP))
    p = 1073741824 // (32768 + e)
    return np.asarray(np.where(np.asarray(z_q8) < 0, 32768 - p, p))


def gap_q8(z: Array, z_exp: int) -> Array:
    """(largest - z) in units of 1/256, at most 4095."""
    return np.minimum(shifted(z.max() - z, z_exp + 8), _MOST_GAP)


def softmax_q15(z: Array, z_exp: int) -> tuple[Array, int]:
    """Probabilities in Q15, and the sum of the exponentials."""
    e = exp_q15(gap_q8(z, z_exp))
    total = int(e.sum())
    return np.asarray((e << 15) // total), total


def pow2(exponent: int) -> np.float32:
    """2**exponent within the normal floats."""
    return np.float32(2.0 ** min(max(exponent, -126), 127))


def nearest(v: Array) -> Array:
    """The nearest integers of float32 values, halves away from zero, at most ``MOST``."""
    v = np.asarray(v, np.float32)
    half = np.where(v < 0, np.float32(-0.5), np.float32(0.5))
    with np.errstate(over="ignore"):
        cut = np.clip(v + half, -float(MOST), float(MOST))
    return np.asarray(np.trunc(cut).astype(np.int64))


def next_word(word: int) -> int:
    """The random word after ``word`` (Numerical Recipes, section 7.1.1)."""
    return (word * _MULTIPLIER + _INCREMENT) & 0xFFFFFFFF


def row_words(word: int, n: int) -> Array:
    """The random words of a row of n weights, uint32: steps of the golden ratio from a start."""
    steps = np.arange(1, n + 1, dtype=np.uint32)
    return np.asarray(np.uint32(word) + steps * np.uint32(_GOLDEN))


def random_round(v: Array, shift: int, words: Array) -> Array:
    """v / 2**shift, up or down at random; shift from 1 to 30."""
    return np.asarray((np.asarray(v, np.int64) + (words.astype(np.int64) >> (32 - shift))) >> shift)


def step(factor: int, exponent: int, most: int = 1 << 21) -> tuple[int, int]:
    """factor * 2**exponent as a factor and a shift to the right from 1 to 30; a step beyond that
    is cut to ``most``."""
    if exponent < -30:
        return int(shifted(np.array(factor), exponent + 30)), 30
    if exponent > -1:
        moved = int(shifted(np.array(factor), exponent + 1))
        return max(min(moved, most), -most), 1
    return factor, -exponent


def rate_parts(rate: float) -> tuple[int, int]:
    """A learning rate (a float32) as a mantissa of 8 bits and an exponent."""
    value = np.float32(rate)
    if not value > 0:
        return 0, 0
    bits = int(value.view(np.uint32))
    return (((bits & 0x7FFFFF) | 0x800000) + 0x8000) >> 16, (bits >> 23) - 127 - 7


def quantized(values: Array, bits: int = 7, default: int = -10) -> tuple[Array, int]:
    """Block of float values, rounded to nearest, and its exponent: int8 for 7 bits, int16 for
    more."""
    largest = float(np.abs(values).max(initial=0.0))
    most = (1 << bits) - 1
    exponent = math.ceil(math.log2(largest / most)) if largest else default
    exponent = min(max(exponent, -24), 24)
    q = np.clip(np.rint(values / 2.0**exponent), -most, most)
    return q.astype(np.int8 if bits < 8 else np.int16), exponent


def quantized_bias(values: Array) -> tuple[Array, int]:
    """Biases as an int16 block that has room to grow, and its exponent."""
    _, exponent = quantized(values, _SUM_BITS, _BIAS_DEFAULT)
    exponent = max(exponent, _BIAS_DEFAULT)
    return np.rint(values / 2.0**exponent).astype(np.int16), exponent
