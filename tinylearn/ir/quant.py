"""The rounding rule of quantized arithmetic, written once.

TFLite's scheme: real = scale * (q - zero_point). An int32 accumulator becomes an output by a
multiplier in Q31 and a power of two (Jacob et al. 2018, "Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference", section 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array

Rounding = Literal["single", "double"]

_Q31 = 1 << 31
_MOST_SHIFT = 30


@dataclass(frozen=True)
class Quant:
    """Scales (float32 values) and zero points of a tensor: one of each, or one per slice of
    ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The one scale."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The one zero point."""
        return self.zero_points[0]

    def codes(self, x: Array, dtype: str) -> Array:
        """Real values as integers of a type, in its range; NaN where x is NaN or infinite."""
        limits = np.iinfo(dtype)
        with np.errstate(invalid="ignore", over="ignore"):
            codes = np.rint(x / np.float32(self.scale)) + self.zero_point
        return np.where(np.isfinite(codes), np.clip(codes, limits.min, limits.max), np.nan)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier in Q31, shift): real = multiplier / 2**31 * 2**shift, multiplier in
    [2**30, 2**31); (0, 0) for 0 and for what 2**-31 and less scales to nothing. Raises
    UnsupportedError where the shift would leave 32 bits."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * _Q31 + 0.5)
    if multiplier == _Q31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift > _MOST_SHIFT:
        raise UnsupportedError(f"scales differ by a factor of {real:g}; at most 2^30 is supported")
    return (0, 0) if shift < -31 else (multiplier, shift)


def formula(kind: str, rounding: str) -> str:
    """How an op rounds under the user's choice: what LiteRT computes, measured op by op.

    ``rounding`` "single" stands for LiteRT's reference kernels (BUILTIN_REF): gemmlowp's
    rounding but in fully connected layers, which round once. "double" stands for its optimized
    kernels without delegates, whose matrix products round halves up both times.
    """
    if rounding == "single":
        return "single" if kind == "q_dense" else "double"
    return "upward" if kind in ("q_dense", "q_conv2d") else "double"


def requantize(acc: Array, multiplier: Array | int, shift: Array | int, rounding: str) -> Array:
    """acc * multiplier / 2**31 * 2**shift as int64, for int32 ``acc`` and broadcasting arrays.

    "single" rounds once, halves away from zero. The others first take the high half of the
    doubled product, halves up, then divide by the power of two: "double" with halves away from
    zero (gemmlowp), "upward" with halves up.
    """
    acc, multiplier = np.asarray(acc, np.int64), np.asarray(multiplier, np.int64)
    shift = np.asarray(shift, np.int64)
    if rounding == "single":
        total = 31 - shift
        product = acc * multiplier
        return np.asarray((product + (np.int64(1) << (total - 1)) - (product < 0)) >> total)
    high = doubling_high_mul(acc << np.maximum(shift, 0), multiplier)
    right = np.maximum(-shift, 0)
    if rounding == "double":
        return rounding_divide_by_pot(high, right)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return np.asarray((high + half) >> right)


def doubling_high_mul(a: Array | int, b: Array | int) -> Array:
    """gemmlowp's SaturatingRoundingDoublingHighMul: (a * b + 2**30) / 2**31, for int32."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, _Q31 - 1))


def rounding_divide_by_pot(x: Array | int, exponent: Array | int) -> Array:
    """gemmlowp's RoundingDivideByPOT: x / 2**exponent, halves away from zero."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    return np.asarray((x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0)))


def requant_table(
    bias: Array, in_scale: float, weight_scales: tuple[float, ...], out_scale: float,
    short: bool = False,
) -> Array:  # fmt: skip
    """int32 [n, 3]: bias, multiplier and shift of each of n output channels. The effective
    scale is computed in double from the file's float32 scales; with ``short`` the product of the
    two input scales is rounded to float32 first."""
    rows = np.zeros((len(bias), 3), np.int32)
    rows[:, 0] = bias
    for i in range(len(bias)):
        scale = weight_scales[i if len(weight_scales) > 1 else 0]
        product = float(in_scale) * float(scale)
        product = float(np.float32(product)) if short else product
        rows[i, 1:] = quantize_multiplier(product / float(out_scale))
    return rows
