"""Hard swish, x * relu6(x + 3) / 6 (Howard et al. 2019, "Searching for MobileNetV3")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import quantize_multiplier, rounding_divide_by_pot
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case

_INT16 = np.iinfo(np.int16)


def _saturated(x: Array) -> Array:
    return np.clip(x, _INT16.min, _INT16.max)


def _high(a: Array, b: int) -> Array:
    """gemmlowp's SaturatingRoundingDoublingHighMul of int16."""
    return _saturated((a * b + (1 << 14)) >> 15)


def _multiplier16(real: float) -> tuple[int, int]:
    """quantize_multiplier with a multiplier in Q15."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, _INT16.max), shift


def _reluish(x: Array, multiplier: int, shift: int) -> Array:
    """(relu6(x + 3) / 6) in Q15, from x with 7 bits more."""
    x = _saturated(x << (shift - 1)) if shift > 0 else x
    x = _high(x, multiplier)
    if shift > 0:
        x = _saturated(x << 1)
    elif shift < 0:
        x = rounding_divide_by_pot(x, -shift)
    return np.asarray((x + (1 << 15)) >> 1)


def codes(attrs: Mapping[str, Any]) -> Array:
    """Results for the int8 codes -128 to 127 before they are clamped, as TFLite's 16-bit
    arithmetic has them."""
    f32 = np.float32
    fine = f32(1 / 128) * f32(attrs["in_scales"][0])
    multiplier, shift = _multiplier16(float(fine / f32(attrs["out_scale"])))
    if shift > 0:
        raise UnsupportedError("hard swish: its output scale is too small for its input's")
    x = (np.arange(-128, 128, dtype=np.int64) - attrs["in_zeros"][0]) << 7
    gate = _reluish(x, *_multiplier16(float(fine / (f32(3.0) / f32(32768.0)))))
    product = gate * _high(x, multiplier)
    cut = np.sign(product) * (np.abs(product) >> 15)
    return np.asarray(rounding_divide_by_pot(cut, -shift) + attrs["out_zero"])


@register
class HardSwish(OpDef):
    """y = x * relu6(x + 3) / 6."""

    kind = "hard_swish"
    headers = ("kernels/hard_swish_f32.h",)
    inplace = ((0, 0),)
    summary = "HARD_SWISH"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        return [x * np.clip(x + 3, 0, 6) / 6]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]), x), (g.new(x),))

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_hard_swish_f32", (*refs, graph[op.outputs[0]].size))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (3, 2, 5)), case(self.kind, (97,))]


@register
class HardSwishBackward(OpDef):
    """inputs dy, x; output dx."""

    kind = "hard_swish_backward"
    headers = ("kernels/hard_swish_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, x = args
        assert d_y is not None and x is not None
        return [d_y * np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6)).astype(x.dtype)]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_hard_swish_backward_f32", (*refs, graph[op.outputs[0]].size))
