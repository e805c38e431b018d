"""Sliding windows: output sizes, padding as TensorFlow defines it, and NumPy patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Op
from tinylearn.ops.base import Shape, Struct

#: of a kernel or stride; keeps what the kernels compute from it inside 32 bits
MAX_EXTENT = 1 << 16


def window_attrs(
    kernel: Shape, strides: Shape, padding: str, dilation: Shape = (1, 1)
) -> dict[str, Any]:
    """Attributes of an op with a window: kernel (h, w), strides (h, w), "same" or "valid", and
    dilation (h, w) where it changes anything."""
    attrs = {"kernel": tuple(kernel), "strides": tuple(strides), "padding": padding}
    apart = tuple(d if k > 1 else 1 for k, d in zip(kernel, dilation, strict=True))
    return attrs if set(apart) == {1} else {**attrs, "dilation": apart}


def dilation_of(attrs: Mapping[str, Any]) -> Shape:
    """Inputs from one tap to the next, (h, w)."""
    return tuple(attrs.get("dilation", (1, 1)))


def extent(attrs: Mapping[str, Any]) -> Shape:
    """Inputs from the first tap to the last, both counted, (h, w)."""
    taps = zip(attrs["kernel"], dilation_of(attrs), strict=True)
    return tuple((k - 1) * d + 1 for k, d in taps)


def _axis(size: int, kernel: int, stride: int, same: bool) -> tuple[int, int]:
    """Output size and leading padding of one axis (tf.nn, "Padding" notes)."""
    if same:
        out = -(-size // stride)
        return out, max((out - 1) * stride + kernel - size, 0) // 2
    return (size - kernel) // stride + 1, 0


def geometry(attrs: Mapping[str, Any], shape: Shape) -> tuple[Shape, Shape]:
    """((out_h, out_w), (pad_top, pad_left)) for an input of shape (h, w, c)."""
    same = attrs["padding"] == "same"
    reach = extent(attrs)
    axes = [_axis(shape[i], reach[i], attrs["strides"][i], same) for i in (0, 1)]
    return (axes[0][0], axes[1][0]), (axes[0][1], axes[1][1])


def out_shape(op: Op, shape: Shape, channels: int) -> Shape:
    """Shape of a window op's output; raises BadInputError where the window does not fit."""
    if len(shape) != 3:
        raise BadInputError(f"layer {op.layer or op.name}: input must be (h, w, c), is {shape}")
    if min(*op.attrs["kernel"], *op.attrs["strides"], *dilation_of(op.attrs)) < 1:
        raise BadInputError(f"layer {op.layer or op.name}: kernel and strides must be positive")
    if max(*op.attrs["kernel"], *op.attrs["strides"], *extent(op.attrs)) > MAX_EXTENT:
        raise BadInputError(
            f"layer {op.layer or op.name}: kernel with its dilation, and strides, must be "
            f"at most {MAX_EXTENT}"
        )
    (out_h, out_w), _ = geometry(op.attrs, shape)
    if min(out_h, out_w) < 1:
        raise BadInputError(
            f"layer {op.layer or op.name}: window {extent(op.attrs)} is larger than its input {shape}"
        )
    return (out_h, out_w, channels)


def struct(op: Op, shape: Shape, out: Shape) -> Struct:
    """The tl_window_t literal of an op."""
    _, (top, left) = geometry(op.attrs, shape)
    (k_h, k_w), (s_h, s_w) = op.attrs["kernel"], op.attrs["strides"]
    names = ("in_h", "in_w", "in_c", "out_h", "out_w", "out_c", "k_h", "k_w")
    sizes = (*shape, *out, k_h, k_w, s_h, s_w, top, left)
    fields = zip((*names, "stride_h", "stride_w", "pad_top", "pad_left"), sizes, strict=True)
    return Struct("tl_window_t", (*fields, *_gaps(op)))


def _gaps(op: Op) -> tuple[tuple[str, int], ...]:
    """Fields that are 0, and left out, where a layer is not dilated."""
    if "dilation" not in op.attrs:
        return ()
    d_h, d_w = op.attrs["dilation"]
    return ("gap_h", d_h - 1), ("gap_w", d_w - 1)


def _pads(op: Op, shape: Shape) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    out, start = geometry(op.attrs, shape)
    pads = []
    for i in (0, 1):
        span = (out[i] - 1) * op.attrs["strides"][i] + extent(op.attrs)[i]
        pads.append((start[i], max(span - shape[i] - start[i], 0)))
    return pads[0], pads[1], (0, 0)


def patches(op: Op, x: Array, fill: float = 0.0) -> Array:
    """All windows of x (h, w, c) as (out_h, out_w, c, k_h, k_w), padded with ``fill``."""
    padded = np.pad(x, _pads(op, x.shape), constant_values=fill)
    (s_h, s_w), (out_h, out_w) = op.attrs["strides"], geometry(op.attrs, x.shape)[0]
    view = sliding_window_view(padded, extent(op.attrs), axis=(0, 1))
    d_h, d_w = dilation_of(op.attrs)
    return view[::s_h, ::s_w][:out_h, :out_w, :, ::d_h, ::d_w]


def scatter(op: Op, d_patches: Array, shape: Shape) -> Array:
    """Adds the gradients of all windows up: the transpose of ``patches``."""
    top, left, _ = _pads(op, shape)
    d_x = np.zeros((shape[0] + sum(top), shape[1] + sum(left), shape[2]), d_patches.dtype)
    (s_h, s_w), (out_h, out_w) = op.attrs["strides"], d_patches.shape[:2]
    d_h, d_w = dilation_of(op.attrs)
    for i, j in np.ndindex(*op.attrs["kernel"]):
        y, x = i * d_h, j * d_w
        rows, columns = slice(y, y + out_h * s_h, s_h), slice(x, x + out_w * s_w, s_w)
        d_x[rows, columns][:out_h, :out_w] += d_patches[..., i, j]
    return d_x[top[0] : top[0] + shape[0], left[0] : left[0] + shape[1]]
