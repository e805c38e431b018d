"""ADD, SUB and MUL of two tensors, or of a tensor and a constant."""

from __future__ import annotations

import math

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.importers.tflite.file import TfOperator, TfTensor
from tinylearn.importers.tflite.state import Rule, State, activated, as_int8, fused
from tinylearn.ir.graph import Array
from tinylearn.ops import broadcast
from tinylearn.ops.base import Shape
from tinylearn.ops.q_arithmetic import repeats

_KINDS = {"ADD": "q_add", "SUB": "q_sub", "MUL": "q_mul"}
_FLOAT_KINDS = {"ADD": "add_broadcast", "SUB": "subtract", "MUL": "multiply"}
_BOTH = (0, 1)


def _without_leading_ones(shape: Shape) -> Shape:
    """The shape without axes of one in front; (1,) of a single value."""
    if math.prod(shape) == 1:
        return (1,)
    first = next(i for i, n in enumerate(shape) if n > 1)
    return tuple(shape[first:])


def _shape(state: State, operator: TfOperator, at: int) -> Shape:
    """Shape of an input, computed or constant."""
    tensor = state.tensor(operator, at)
    return _without_leading_ones(
        tensor.shape if tensor.data is not None else state.builder.shape(state.x(operator, at))
    )


def _check_loops(operator: TfOperator, shapes: tuple[Shape, Shape]) -> None:
    """The two must go together, in as many loops as the kernels have."""
    broadcast.out_shape(*shapes, operator.where)
    broadcast.struct(*shapes, operator.where)


def _binary(state: State, operator: TfOperator) -> None:
    shapes = (_shape(state, operator, 0), _shape(state, operator, 1))
    _check_loops(operator, shapes)
    if all(state.tensor(operator, at).data is not None for at in _BOTH):
        raise UnsupportedError(f"{operator.where}: of two constants")
    layer = state.layer(operator)
    if state.is_quantized(state.output(operator)):
        _integers(state, operator, layer, shapes)
    else:
        out = _floats(state, operator, layer, shapes)
        state.become(operator, activated(state, operator, out, layer), layer)


# ---- int8 ----


def _integers(state: State, operator: TfOperator, layer: str, shapes: tuple[Shape, Shape]) -> None:
    larger = math.prod(shapes[0]) >= math.prod(shapes[1])
    turned = operator.code != "SUB" and not larger and repeats(shapes[1], shapes[0])
    order = (1, 0) if turned else (0, 1)
    inputs = (
        _operand(state, operator, order[0], layer),
        _operand(state, operator, order[1], layer),
    )
    attrs = state.quantized(operator, order, fused(operator))
    state.emit(operator, _KINDS[operator.code], inputs, layer, attrs)


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


# ---- float32 ----


def _floats(state: State, operator: TfOperator, layer: str, shapes: tuple[Shape, Shape]) -> str:
    """The float32 result, before its activation."""
    constants = [at for at in _BOTH if state.tensor(operator, at).data is not None]
    full = broadcast.out_shape(*shapes, operator.where)
    if constants and _is_of_channels(state, operator, constants[0], shapes, full):
        return _scaled(state, operator, constants[0], layer)
    first = next((at for at in _BOTH if shapes[at] == full and at not in constants), None)
    if first is None and constants and shapes[constants[0]] == full:
        first = constants[0]
    if first is None:
        raise UnsupportedError(
            f"{operator.where}: float32 {shapes[0]} and {shapes[1]} that both repeat"
        )
    a = _float_operand(state, operator, first, layer)
    b = _fitted(state, operator, _float_operand(state, operator, 1 - first, layer), a)
    return state.builder.op(_float_kind(state, operator, first, (a, b)), layer, (a, b), layer, {})


def _float_kind(state: State, operator: TfOperator, first: int, parts: tuple[str, str]) -> str:
    shapes = {state.builder.shape(part) for part in parts}
    if operator.code == "ADD" and len(shapes) == 1:
        return "add"
    return "subtract_from" if operator.code == "SUB" and first else _FLOAT_KINDS[operator.code]


def _float_operand(state: State, operator: TfOperator, at: int, layer: str) -> str:
    tensor = state.tensor(operator, at)
    if tensor.data is None:
        return state.floats(operator, at)
    values = _reals(operator, tensor)
    shape = _without_leading_ones(values.shape)
    return state.builder.weight(f"{layer}/constant", values.reshape(shape))


def _fitted(state: State, operator: TfOperator, b: str, a: str) -> str:
    """b without leading axes that a does not have; in a's shape where it is as large."""
    shape, full = state.builder.shape(b), state.builder.shape(a)
    if math.prod(shape) == math.prod(full):
        return state.builder.reshaped(b, full, f"{b}/alike{operator.index}", b)
    if len(shape) <= len(full):
        return b
    kept = _without_leading_ones(shape)
    return state.builder.reshaped(b, kept, f"{b}/repeated{operator.index}", b)


def _reals(operator: TfOperator, tensor: TfTensor) -> Array:
    if tensor.data is None or tensor.type != "FLOAT32":
        raise UnsupportedError(f"{operator.where}: a constant of {tensor.type} with float32 values")
    return tensor.data


def _is_of_channels(state: State, operator: TfOperator, constant: int, shapes: tuple[Shape, Shape],
                    full: Shape) -> bool:  # fmt: skip
    """Whether a constant has one value, or one for each channel."""
    channels = state.builder.shape(state.floats(operator, 1 - constant))[-1]
    return shapes[constant] in ((1,), (channels,)) and shapes[1 - constant] == full


def _scaled(state: State, operator: TfOperator, constant: int, layer: str) -> str:
    """A constant for each channel, or one for all, as a scale and a shift."""
    data, x = _reals(operator, state.tensor(operator, constant)), state.x(operator, 1 - constant)
    channels = state.builder.shape(x)[-1]
    values = np.broadcast_to(data.reshape(-1), (channels,)).astype(np.float32)
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
