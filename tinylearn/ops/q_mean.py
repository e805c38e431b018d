"""Mean of int8 tensors over height and width, or over any axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import quantize_multiplier, requantize
from tinylearn.ops import reduction
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import clamped


def _scale(op: Op, count: int) -> tuple[int, int]:
    """Multiplier and shift with the division by ``count`` in them (TFLite's reduce kernel)."""
    multiplier, shift = quantize_multiplier(op.attrs["in_scales"][0] / op.attrs["out_scale"])
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


def _scale_in_float32(op: Op, count: int) -> tuple[int, int]:
    """The same as TFLite's optimized kernel for images has it."""
    out = np.float32(count) * np.float32(op.attrs["out_scale"])
    return quantize_multiplier(float(np.float32(op.attrs["in_scales"][0]) / out))


def _rounded_zeros(op: Op) -> tuple[int, int]:
    """Zero points of that kernel: it takes sums of the codes as they are in the file (``codes``:
    what they are less as int8), and rounds the input's zero point to the output's scale."""
    codes = op.attrs["rounded_zero"]
    ratio = np.float32(op.attrs["in_zeros"][0] + codes) * np.float32(op.attrs["in_scales"][0])
    ratio = ratio / np.float32(op.attrs["out_scale"])
    moved = int(ratio + np.float32(0.5 if ratio > 0 else -0.5))
    return -codes, op.attrs["out_zero"] - moved


def _parameters(op: Op, count: int) -> tuple[int, int, int, int]:
    """Zero points of input and output, multiplier and shift."""
    if "rounded_zero" in op.attrs:
        return (*_rounded_zeros(op), *_scale_in_float32(op, count))
    return (op.attrs["in_zeros"][0], op.attrs["out_zero"], *_scale(op, count))


def _axes(op: Op, shape: Shape) -> tuple[int, ...]:
    return tuple(op.attrs.get("axes", range(len(shape) - 1)))


@register
class QMean(OpDef):
    """inputs x int8 [h, w, c] -> [c]; with attrs axes, without those. ``rounded_zero``: as
    TFLite's optimized kernel computes it, 128 for uint8 files and 0 for int8 ones."""

    kind = "q_mean"
    headers = ("kernels/mean_s8.h",)
    summary = "MEAN (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, where = graph.shape(op.inputs[0]), f"layer {op.layer}"
        axes = _axes(op, x)
        # an impossible ratio of scales is refused here
        _parameters(op, reduction.count(x, axes))
        if "axes" not in op.attrs:
            return (x[-1:],)
        reduction.struct(x, axes, where)
        return (reduction.out_shape(x, axes, where),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        axes = _axes(op, x.shape)
        x_zero, y_zero, multiplier, shift = _parameters(op, reduction.count(x.shape, axes))
        total = np.atleast_1d((x.astype(np.int64) - x_zero).sum(axis=axes))
        return [clamped(op, requantize(total, multiplier, shift, "double") + y_zero)]

    def call(self, op: Op, graph: Graph) -> Call:
        shape = graph.shape(op.inputs[0])
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        numbers = _parameters(op, reduction.count(shape, _axes(op, shape)))
        if "axes" in op.attrs:
            sizes = reduction.struct(shape, op.attrs["axes"], f"layer {op.layer}")
            return Call("tl_mean_of_axes_s8", (*refs, sizes, *numbers))
        return Call("tl_mean_s8", (*refs, math.prod(shape[:-1]), shape[-1], *numbers))
