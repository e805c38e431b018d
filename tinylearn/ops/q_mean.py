"""Mean over height and width of an int8 image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import quantize_multiplier, requantize
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import clamped


def _scale(op: Op, count: int) -> tuple[int, int]:
    """Multiplier and shift with the division by ``count`` in them (TFLite's reduce kernel)."""
    multiplier, shift = quantize_multiplier(op.attrs["in_scales"][0] / op.attrs["out_scale"])
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << more) // count, shift - more


@register
class QMean(OpDef):
    """inputs x int8 [h, w, c] -> [c]."""

    kind = "q_mean"
    headers = ("kernels/mean_s8.h",)
    summary = "MEAN over height and width (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        _scale(op, math.prod(x[:-1]))  # an impossible ratio of scales is refused here
        return (x[-1:],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        x = args[0].reshape(-1, args[0].shape[-1]).astype(np.int64)
        total = (x - op.attrs["in_zeros"][0]).sum(axis=0)
        multiplier, shift = _scale(op, len(x))
        scaled = requantize(total, multiplier, shift, "double")
        return [clamped(op, scaled + op.attrs["out_zero"])]

    def call(self, op: Op, graph: Graph) -> Call:
        shape = graph.shape(op.inputs[0])
        rows = int(np.prod(shape[:-1]))
        zeros = (op.attrs["in_zeros"][0], op.attrs["out_zero"])
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_mean_s8", (*refs, rows, shape[-1], *zeros, *_scale(op, rows)))
