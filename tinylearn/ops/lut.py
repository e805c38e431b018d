"""Any function of one int8 value, as a table of its 256 results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import quantize_multiplier, requantize
from tinylearn.ops import hard_swish
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register

_F32 = np.float32
_CODES = np.arange(-128, 128, dtype=np.int64)


def _round(x: Array) -> Array:
    """Halves away from zero, as C's round()."""
    return np.sign(x) * np.floor(np.abs(x) + 0.5)


def _real(function: Callable[[Array], Array], attrs: Mapping[str, Any]) -> Array:
    """TFLite's LUTPopulate: the function in float32 on what each code stands for."""
    inverse = _F32(1) / _F32(attrs["out_scale"])
    x = _F32(attrs["in_scales"][0]) * (_CODES - attrs["in_zeros"][0]).astype(_F32)
    return np.asarray(_round((function(x) * inverse).astype(np.float64)) + attrs["out_zero"])


def _logistic(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return _F32(1) / (_F32(1) + np.exp(-x))


def _scaled(ratio: float, attrs: Mapping[str, Any], codes: Array) -> Array:
    """(codes - zero) * ratio in fixed point."""
    m, s = quantize_multiplier(ratio)
    return requantize(codes - attrs["in_zeros"][0], m, s, "double")


def _requantized(attrs: Mapping[str, Any]) -> Array:
    ratio = attrs["in_scales"][0] / attrs["out_scale"]
    return np.asarray(_scaled(ratio, attrs, _CODES) + attrs["out_zero"])


def _times(slope: np.float32 | int, attrs: Mapping[str, Any]) -> Array:
    """slope * x. TFLite divides the scales of RELU and its kin in float32, those of QUANTIZE in
    double: where a result lies half way, the quotient's last bit decides."""
    ratio = _F32(attrs["in_scales"][0]) * _F32(slope) / _F32(attrs["out_scale"])
    return np.asarray(_scaled(float(ratio), attrs, _CODES) + attrs["out_zero"])


def _rescaled_uint8(attrs: Mapping[str, Any]) -> Array:
    """As TFLite's ConcatenationWithScaling: uint8 codes, in float32."""
    scale = _F32(attrs["in_scales"][0]) * (_F32(1) / _F32(attrs["out_scale"]))
    bias = -_F32(attrs["in_zeros"][0] + 128) * scale
    x = (_CODES + 128).astype(_F32) * scale + bias
    return np.asarray(_round(x.astype(np.float64)) + attrs["out_zero"])


def _leaky(attrs: Mapping[str, Any]) -> Array:
    below = _times(_F32(attrs["alpha"]), attrs)
    return np.where(attrs["in_zeros"][0] <= _CODES, _times(1, attrs), below)


def table(function: str, attrs: Mapping[str, Any]) -> Array:
    """int8 [256]: the result for the codes -128 to 127. ``attrs`` holds scales, zero points and
    the output's range."""
    tables: dict[str, Callable[[], Array]] = {
        "logistic": lambda: _real(_logistic, attrs),
        "tanh": lambda: _real(np.tanh, attrs),
        "leaky_relu": lambda: _leaky(attrs),
        "hard_swish": lambda: hard_swish.codes(attrs),
        "rescale_uint8": lambda: _rescaled_uint8(attrs),
        "requantize": lambda: _requantized(attrs),
    }
    values = tables.get(function, lambda: _times(1, attrs))()
    return np.clip(values, attrs["out_min"], attrs["out_max"]).astype(np.int8)


@register
class Lut(OpDef):
    """inputs x int8, table int8 [256]."""

    kind = "lut"
    from_flash = (1,)
    headers = ("kernels/lut_s8.h",)
    inplace = ((0, 0),)
    summary = "LOGISTIC, TANH, RELU and its kin, HARD_SWISH, QUANTIZE between int8 scales"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, codes = args
        assert x is not None and codes is not None
        return [codes[x.astype(np.int64) + 128]]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]), Ref(op.inputs[1]))
        return Call("tl_lut_s8", (*refs, graph[op.inputs[0]].size))
