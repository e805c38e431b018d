"""Softmax of int8 logits, as TFLite computes it: in fixed point ("single"), or from a float
table ("double")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.fixed import exp_of_negative, reciprocal
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import doubling_high_mul, quantize_multiplier, rounding_divide_by_pot
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register, rows_of

_INTEGER_BITS = 5
_SUM_BITS = 12


def fixed_table(scale: float, beta: float) -> Array:
    """int32 [256], Q0.31: exp(beta * scale * -i), 0 where TFLite leaves the term out."""
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), float((1 << 31) - 1))
    multiplier, shift = quantize_multiplier(real)
    if shift < 0:
        raise UnsupportedError(f"softmax: its input scale {scale:g} is too small")
    reach = ((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) // (1 << shift)
    values = [
        exp_of_negative(int(doubling_high_mul(-i * (1 << shift), multiplier))) if i <= reach else 0
        for i in range(256)
    ]
    return np.array(values, np.int32)


def float_table(scale: float, beta: float) -> Array:
    """float32 [256]: exp(-scale * beta * i)."""
    step = np.float32(-scale) * np.float32(beta)
    return np.asarray(np.exp(step * np.arange(256, dtype=np.float32)).astype(np.float32))


def _fixed(x: Array, table: Array) -> Array:
    exps = table[x.max() - x].astype(np.int64)
    total = int(rounding_divide_by_pot(exps, _SUM_BITS).sum())
    scale, over_unit = reciprocal(total, _SUM_BITS)
    scaled = rounding_divide_by_pot(doubling_high_mul(scale, exps), over_unit + 31 - 8)
    return np.asarray(np.clip(scaled - 128, -128, 127))


def _floats(x: Array, table: Array, scale: float, zero: int) -> Array:
    exps = table[x.max() - x].astype(np.float32)
    total = np.float32(0)
    for value in exps:
        total = np.float32(total + value)
    inverse = np.float32(1) / np.float32(total * np.float32(scale))
    rounded = (exps * inverse + np.float32(0.5)).astype(np.int64)
    return np.asarray(np.clip(rounded + zero, -128, 127))


@register
class QSoftmax(OpDef):
    """inputs x int8 [.., n], table of 256 exponentials (int32 or float32)."""

    kind = "q_softmax"
    from_flash = (1,)
    headers = ("kernels/softmax_s8.h",)
    summary = "SOFTMAX (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, table = args
        assert x is not None and table is not None
        rows = x.reshape(rows_of(x.shape)).astype(np.int64)
        if op.attrs["rounding"] == "single":
            results = [_fixed(row, table) for row in rows]
        else:
            ends = (op.attrs["out_scale"], op.attrs["out_zero"])
            results = [_floats(row, table.astype(np.float32), *ends) for row in rows]
        return [np.array(results, np.int8).reshape(x.shape)]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        rows = rows_of(graph.shape(op.inputs[0]))
        if op.attrs["rounding"] == "single":
            return Call("tl_softmax_s8", (*refs, *rows))
        ends = (float(op.attrs["out_scale"]), op.attrs["out_zero"])
        return Call("tl_softmax_lut_s8", (*refs, *rows, *ends))
