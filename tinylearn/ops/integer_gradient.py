"""How every gradient of learning in integers ends: 12 bits, times the slope of an activation."""

from __future__ import annotations

import numpy as np

from tinylearn.ir.graph import Array
from tinylearn.ir.integer import exponent_array, gradient_block, shifted


def ended(sums: Array, x: Array, exponent: int, activation: str) -> list[Array]:
    """dx int16 and its exponent, from sums in units of 2**exponent and the layer's input x, which
    ``activation`` made (bit for bit firmware/src/kernels/slope_i8.h)."""
    v = x.astype(np.int64)
    sums = np.where(v > 0, sums, 0) if activation == "relu" else sums
    dx, grown = gradient_block(sums)
    if activation in ("tanh", "sigmoid"):
        slope = 16384 - v * v if activation == "tanh" else v * (128 - v)
        dx = shifted(dx * slope, -14)
    return [dx.astype(np.int16).reshape(x.shape), exponent_array(exponent + grown)]
