"""ADD, SUB and MUL of two tensors, or of a tensor and a constant."""

from __future__ import annotations

import math

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State, activated, as_int8, fused

_KINDS = {"ADD": "q_add", "SUB": "q_sub", "MUL": "q_mul"}


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what repeats over all leading axes; (1,) of a single value."""
    if math.prod(shape) == 1:
        return (1,)
    first = next(i for i, n in enumerate(shape) if n > 1)
    return tuple(shape[first:])


def _check_repeats(state: State, operator: TfOperator, order: tuple[int, int]) -> None:
    """The smaller tensor must repeat over leading axes alone."""
    large, small = (tuple(state.tensor(operator, at).shape) for at in order)
    kept = _without_leading_ones(small)
    if kept != (1,) and large[len(large) - len(kept) :] != kept:
        raise UnsupportedError(
            f"{operator.where}: {small} over {large}; supported: a tensor of the last axes' shape"
        )


def _computed(state: State, operator: TfOperator, at: int) -> str:
    """A computed input; the smaller one without its leading axes of one."""
    x = state.x(operator, at)
    shape, other = state.builder.shape(x), state.tensor(operator, 1 - at).shape
    kept = _without_leading_ones(shape)
    if math.prod(shape) == math.prod(other) or kept == shape:
        return x
    return state.builder.reshaped(x, kept, f"{x}/repeated{operator.index}", x)


def _operand(state: State, operator: TfOperator, at: int, layer: str) -> str:
    """An input's name: a constant becomes a stored tensor."""
    tensor = state.tensor(operator, at)
    if not state.is_quantized(tensor):
        raise UnsupportedError(f"{operator.where}: its input {at} is float32, its output is not")
    if tensor.data is None:
        return _computed(state, operator, at)
    data = tensor.data.reshape(_without_leading_ones(tensor.data.shape))
    values = as_int8(tensor, data)
    return state.builder.integers(f"{layer}/constant", values, state.quant(tensor))


def _binary(state: State, operator: TfOperator) -> None:
    sizes = [math.prod(state.tensor(operator, at).shape) for at in (0, 1)]
    order = (0, 1) if sizes[0] >= sizes[1] else (1, 0)
    quantized = state.is_quantized(state.output(operator))
    if order == (1, 0) and operator.code == "SUB" and quantized:
        raise UnsupportedError(f"{operator.where}: a smaller tensor minus a larger one")
    _check_repeats(state, operator, order)
    layer = state.layer(operator)
    if not quantized:
        _floats(state, operator, layer)
        return
    inputs = (
        _operand(state, operator, order[0], layer),
        _operand(state, operator, order[1], layer),
    )
    attrs = state.quantized(operator, order, fused(operator))
    state.emit(operator, _KINDS[operator.code], inputs, layer, attrs)


def _floats(state: State, operator: TfOperator, layer: str) -> None:
    constants = [at for at in (0, 1) if state.tensor(operator, at).data is not None]
    if len(constants) == 1:
        out = _scaled(state, operator, constants[0], layer)
    elif operator.code == "ADD" and not constants:
        out = _sum(state, operator, layer)
    else:
        raise UnsupportedError(
            f"{operator.where}: of two float32 tensors; supported: ADD, or with a constant"
        )
    state.become(operator, activated(state, operator, out, layer), layer)


def _sum(state: State, operator: TfOperator, layer: str) -> str:
    parts = (state.floats(operator, 0), state.floats(operator, 1))
    shapes = [state.builder.shape(part) for part in parts]
    if shapes[0] != shapes[1]:
        raise UnsupportedError(f"{operator.where}: of float32 {shapes[0]} and {shapes[1]}")
    return state.builder.op("add", layer, parts, layer, {})


def _scaled(state: State, operator: TfOperator, constant: int, layer: str) -> str:
    """A constant for each channel, or one for all, as a scale and a shift."""
    tensor, x = state.tensor(operator, constant), state.floats(operator, 1 - constant)
    channels = state.builder.shape(x)[-1]
    assert tensor.data is not None
    if tensor.type != "FLOAT32" or _without_leading_ones(tensor.data.shape) not in (
        (1,),
        (channels,),
    ):
        raise UnsupportedError(
            f"{operator.where}: a constant {tensor.data.shape} of {tensor.type}; supported: one "
            f"float32 value, or one for each of {channels} channels"
        )
    values = np.broadcast_to(tensor.data.reshape(-1), (channels,)).astype(np.float32)
    scale, shift = np.ones(channels, np.float32), values
    if operator.code == "MUL":
        scale, shift = values, np.zeros(channels, np.float32)
    elif operator.code == "SUB":
        scale, shift = (scale, -values) if constant == 1 else (-scale, values)
    names = (
        state.builder.weight(f"{layer}/scale", scale),
        state.builder.weight(f"{layer}/shift", shift),
    )
    return state.builder.op("scale_shift", layer, (x, *names), layer, {})


RULES: dict[str, Rule] = dict.fromkeys(_KINDS, _binary)
