"""Activations, SOFTMAX, QUANTIZE and DEQUANTIZE."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State
from tinylearn.ops.lut import table
from tinylearn.ops.q_softmax import fixed_table, float_table

#: operator: the table's function, the float activation, the fused range that it also is
_FUNCTIONS = {
    "LOGISTIC": ("logistic", "sigmoid", ""),
    "TANH": ("tanh", "tanh", ""),
    "RELU": ("relu", "relu", "RELU"),
    "RELU6": ("relu6", "relu6", "RELU6"),
    "RELU_N1_TO_1": ("relu_n1_to_1", "relu_n1_to_1", "RELU_N1_TO_1"),
    "RELU_0_TO_1": ("relu_0_to_1", "relu_0_to_1", "RELU_0_TO_1"),
    "LEAKY_RELU": ("leaky_relu", "leaky_relu", ""),
}
_LARGEST_BETA = 1e6


def _through_table(state: State, operator: TfOperator, x: str, layer: str, function: str,
                   attrs: dict[str, Any]) -> None:  # fmt: skip
    codes = state.builder.integers(f"{layer}/table", table(function, attrs))
    state.emit(operator, "lut", (x, codes), layer, {**attrs, "function": function})


def activation(state: State, operator: TfOperator) -> None:
    """An activation of its own."""
    function, name, limits = _FUNCTIONS[operator.code]
    x, layer = state.x(operator), state.layer(operator)
    if not math.isfinite(operator.options.get("Alpha", 0.0)):
        raise BadInputError(f"{operator.where}: its slope is not finite")
    alpha = {"alpha": float(operator.options["Alpha"])} if operator.code == "LEAKY_RELU" else {}
    if state.is_quantized(state.tensor(operator, 0)):
        attrs = {**state.quantized(operator, (0,), limits), **alpha}
        _through_table(state, operator, x, layer, function, attrs)
    else:
        state.emit(operator, "activation", (x,), layer, {"activation": name, "alpha": 0.0, **alpha})


def hard_swish(state: State, operator: TfOperator) -> None:
    """HARD_SWISH."""
    x, layer = state.x(operator), state.layer(operator)
    if state.is_quantized(state.tensor(operator, 0)):
        _through_table(state, operator, x, layer, "hard_swish", state.quantized(operator, (0,)))
    else:
        state.emit(operator, "hard_swish", (x,), layer, {})


def softmax(state: State, operator: TfOperator) -> None:
    """SOFTMAX over the last axis."""
    x, layer, beta = state.x(operator), state.layer(operator), float(operator.options["Beta"])
    if not 0 < beta <= _LARGEST_BETA:
        raise BadInputError(f"{operator.where}: beta {beta} is not within 0 .. {_LARGEST_BETA:g}")
    if state.is_quantized(state.tensor(operator, 0)):
        attrs = state.quantized(operator, (0,))
        scale = attrs["in_scales"][0]
        single = state.rounding == "single"
        if single:
            exps = state.builder.integers(f"{layer}/exps", fixed_table(scale, beta))
        else:
            exps = state.builder.weight(f"{layer}/exps", float_table(scale, beta))
        state.emit(operator, "q_softmax", (x, exps), layer, attrs)
    else:
        if beta != 1.0:
            factor = state.builder.weight(f"{layer}/beta", np.array([beta], np.float32))
            x = state.builder.op("multiply", f"{layer}/scaled", (x, factor), layer, {})
        state.emit(operator, "softmax", (x,), layer, {})


def quantize(state: State, operator: TfOperator) -> None:
    """QUANTIZE: from float32, or to another scale."""
    x, layer, source = state.x(operator), state.layer(operator), state.tensor(operator, 0)
    if not state.is_quantized(state.output(operator)):
        raise BadInputError(f"{operator.where}: its output is float32")
    if state.is_quantized(source):
        _through_table(state, operator, x, layer, "requantize", state.quantized(operator, (0,)))
        return
    scale, zero = state.one(state.output(operator))
    state.emit(operator, "quantize", (x,), layer, {"out_scale": scale, "out_zero": zero})


def dequantize(state: State, operator: TfOperator) -> None:
    """DEQUANTIZE: to float32."""
    x, layer = state.x(operator), state.layer(operator)
    scale, zero = state.one(state.tensor(operator, 0))
    state.emit(operator, "dequantize", (x,), layer, {"in_scales": (scale,), "in_zeros": (zero,)})


def rescaled(state: State, operator: TfOperator, at: int, name: str) -> str:
    """Input ``at`` in the scale of the operator's output."""
    x, attrs = state.x(operator, at), state.quantized(operator, (at,))
    same = (attrs["in_scales"][0], attrs["in_zeros"][0]) == (attrs["out_scale"], attrs["out_zero"])
    if same:
        return x
    function = "rescale_uint8" if state.output(operator).type == "UINT8" else "requantize"
    codes = state.builder.integers(f"{name}/table", table(function, attrs))
    attrs = {**attrs, "function": function}
    return state.builder.op("lut", name, (x, codes), name, attrs, "int8",
                            state.quant(state.output(operator)))  # fmt: skip


RULES: dict[str, Rule] = {
    **dict.fromkeys(_FUNCTIONS, activation),
    "HARD_SWISH": hard_swish,
    "SOFTMAX": softmax,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
}
