"""What the int8 layers have in common: their output stage, in NumPy and as kernel arguments."""

from __future__ import annotations

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import formula, requantize
from tinylearn.ops.base import Macro, Struct

#: accumulators below this can be doubled in 32 bits
_SMALL = 1 << 30
_SMALL_SHIFT = -2
_MACROS = {"single": "TL_ROUND_SINGLE", "double": "TL_ROUND_DOUBLE", "upward": "TL_ROUND_UPWARD"}


def finish(op: Op, acc: Array, rows: Array) -> Array:
    """int8 outputs of accumulators without bias; ``rows`` [channels, 3], channels last."""
    bias, multiplier, shift = (rows[:, i].astype(np.int64) for i in range(3))
    scaled = requantize(acc + bias, multiplier, shift, _formula(op))
    return clamped(op, scaled + op.attrs["out_zero"])


def clamped(op: Op, values: Array) -> Array:
    """Values in the range of the op's activation, as int8."""
    return np.clip(values, op.attrs["out_min"], op.attrs["out_max"]).astype(np.int8)


def out_struct(op: Op, graph: Graph) -> Struct:
    """The tl_out_s8_t literal of a layer with weights."""
    return Struct(
        "tl_out_s8_t",
        (("zero", op.attrs["out_zero"]), ("min", op.attrs["out_min"]),
         ("max", op.attrs["out_max"]), ("rounding", Macro(_MACROS[_formula(op)])),
         ("small", int(_is_small(op, graph)))),
    )  # fmt: skip


def _formula(op: Op) -> str:
    return formula(op.attrs.get("rounds_as", op.kind), op.attrs["rounding"])


def _is_small(op: Op, graph: Graph) -> bool:
    """Whether the short form of the rounding is exact: right shifts only, and sums below 2^30."""
    weights, rows = graph[op.inputs[1]].data, graph[op.inputs[2]].data
    assert weights is not None and rows is not None
    taps = weights.size // len(rows) if op.kind != "q_depthwise_conv2d" else weights[..., 0].size
    largest = taps * 256 * 128 + int(np.abs(rows[:, 0].astype(np.int64)).max())
    return bool(rows[:, 2].max() <= _SMALL_SHIFT and largest < _SMALL)
