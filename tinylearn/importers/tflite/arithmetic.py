"""ADD, SUB and MUL of two tensors, or of a tensor and a constant."""

from __future__ import annotations

import math

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State, activated, fused

_KINDS = {"ADD": "q_add", "SUB": "q_sub", "MUL": "q_mul"}


def _operand(state: State, operator: TfOperator, at: int, layer: str) -> str:
    """An input's name: a constant becomes a stored tensor."""
    tensor = state.tensor(operator, at)
    if not state.is_quantized(tensor):
        raise UnsupportedError(f"{operator.where}: its input {at} is float32, its output is not")
    if tensor.data is None:
        return state.x(operator, at)
    data = np.squeeze(tensor.data)
    data = data.reshape(1) if data.ndim == 0 else data
    values = (data ^ np.uint8(128)).view(np.int8) if tensor.type == "UINT8" else data
    return state.builder.integers(f"{layer}/constant", values, state.quant(tensor))


def _binary(state: State, operator: TfOperator) -> None:
    sizes = [math.prod(state.tensor(operator, at).shape) for at in (0, 1)]
    order = (0, 1) if sizes[0] >= sizes[1] else (1, 0)
    if order == (1, 0) and operator.code == "SUB":
        raise UnsupportedError(f"{operator.where}: a smaller tensor minus a larger one")
    layer = state.layer(operator)
    if not state.is_quantized(state.output(operator)):
        _floats(state, operator, layer)
        return
    inputs = (
        _operand(state, operator, order[0], layer),
        _operand(state, operator, order[1], layer),
    )
    attrs = state.quantized(operator, order, fused(operator))
    state.emit(operator, _KINDS[operator.code], inputs, layer, attrs)


def _floats(state: State, operator: TfOperator, layer: str) -> None:
    if operator.code != "ADD" or any(state.tensor(operator, at).data is not None for at in (0, 1)):
        raise UnsupportedError(
            f"{operator.where}: of float32; supported: ADD of two computed tensors"
        )
    out = state.builder.op(
        "add", layer, (state.floats(operator, 0), state.floats(operator, 1)), layer, {}
    )
    state.become(operator, activated(state, operator, out, layer), layer)


RULES: dict[str, Rule] = dict.fromkeys(_KINDS, _binary)
