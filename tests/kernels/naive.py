"""The kernels' definitions in float64, written as their formulas say, without cleverness."""

from __future__ import annotations

import numpy as np
from library import (
    LEAKY_RELU,
    LINEAR,
    RELU,
    RELU6,
    RELU_0_TO_1,
    RELU_N1_TO_1,
    SIGMOID,
    TANH,
    Window,
)

Array = np.ndarray


def activate(v: Array, act: int, alpha: float = 0.0) -> Array:
    v = v.astype(np.float64)
    with np.errstate(over="ignore"):
        table = {
            LINEAR: lambda: v,
            RELU: lambda: np.where(v < 0, 0, v),
            RELU6: lambda: np.where(v < 0, 0, np.where(v > 6, 6, v)),
            LEAKY_RELU: lambda: np.where(v < 0, alpha * v, v),
            SIGMOID: lambda: 1 / (1 + np.exp(-v)),
            TANH: lambda: np.tanh(v),
            RELU_N1_TO_1: lambda: np.clip(v, -1, 1),
            RELU_0_TO_1: lambda: np.clip(v, 0, 1),
        }
        return table[act]()


def taps(s: Window):
    """Every (output row, column, kernel row, column, input row, column) inside the input."""
    for oy, ox, ky, kx in np.ndindex(s.out_h, s.out_w, s.k_h, s.k_w):
        iy = oy * s.stride_h - s.pad_top + ky * (s.gap_h + 1)
        ix = ox * s.stride_w - s.pad_left + kx * (s.gap_w + 1)
        if 0 <= iy < s.in_h and 0 <= ix < s.in_w:
            yield oy, ox, ky, kx, iy, ix


def conv2d(x: Array, w: Array, b: Array, s: Window) -> Array:
    """w is [out_c][k_h][k_w][in_c]."""
    y = np.zeros((s.out_h, s.out_w, s.out_c)) + b
    for oy, ox, ky, kx, iy, ix in taps(s):
        y[oy, ox] += w[:, ky, kx].astype(np.float64) @ x[iy, ix].astype(np.float64)
    return y


def conv2d_gradients(x: Array, w: Array, dy: Array, s: Window) -> tuple[Array, Array, Array]:
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for oy, ox, ky, kx, iy, ix in taps(s):
        dx[iy, ix] += dy[oy, ox].astype(np.float64) @ w[:, ky, kx]
        dw[:, ky, kx] += np.outer(dy[oy, ox].astype(np.float64), x[iy, ix])
    return dx, dw, dy.astype(np.float64).sum(axis=(0, 1))


def depthwise(x: Array, w: Array, b: Array, s: Window) -> Array:
    """w is [k_h][k_w][out_c]."""
    y = np.zeros((s.out_h, s.out_w, s.out_c)) + b
    for oy, ox, ky, kx, iy, ix in taps(s):
        y[oy, ox] += w[ky, kx].astype(np.float64) * np.repeat(x[iy, ix], s.out_c // s.in_c)
    return y


def depthwise_gradients(x: Array, w: Array, dy: Array, s: Window) -> tuple[Array, Array, Array]:
    m = s.out_c // s.in_c
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for oy, ox, ky, kx, iy, ix in taps(s):
        dx[iy, ix] += (dy[oy, ox].astype(np.float64) * w[ky, kx]).reshape(-1, m).sum(1)
        dw[ky, kx] += dy[oy, ox].astype(np.float64) * np.repeat(x[iy, ix], m)
    return dx, dw, dy.astype(np.float64).sum(axis=(0, 1))


def windows(s: Window) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Input positions under each output position, row-major."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for oy, ox, _, _, iy, ix in taps(s):
        found.setdefault((oy, ox), []).append((iy, ix))
    return found


def softmax(z: Array) -> Array:
    e = np.exp(z.astype(np.float64) - z.max())
    return e / e.sum()
