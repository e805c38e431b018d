"""PAD and PADV2."""

from __future__ import annotations

import math
from typing import Any

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State, as_int8
from tinylearn.ops.base import Shape

_VALUE = 2
_IMAGE_AXES = 3
_MOST = 1 << 16
_NONE = (0, 0)
Pads = list[tuple[int, int]]


def _pads(state: State, operator: TfOperator) -> Pads:
    """(before, after) of each axis without the batch."""
    rank = len(state.tensor(operator, 0).shape)
    values = state.integers(operator, 1, 2 * rank)
    if len(values) != 2 * rank or min(values) < 0 or max(values) > _MOST:
        raise BadInputError(
            f"{operator.where}: pads {values[:8]}; supported: 2 from 0 to {_MOST} for each of "
            f"{rank} axes"
        )
    pads = list(zip(values[::2], values[1::2], strict=True))
    if rank > 1 and pads.pop(0) != _NONE:
        raise UnsupportedError(f"{operator.where}: pads the batch")
    return pads


def _value(state: State, operator: TfOperator) -> dict[str, Any]:
    """What PADV2 puts there, where it is not what stands for zero."""
    if operator.code != "PADV2":
        return {}
    tensor, data = state.tensor(operator, _VALUE), state.constant(operator, _VALUE)
    if data.size != 1 or tensor.type != state.tensor(operator, 0).type:
        raise BadInputError(f"{operator.where}: pads with {data.size} values of {tensor.type}")
    if tensor.type != "FLOAT32":
        return {"value": int(as_int8(tensor, data).reshape(-1)[0])}
    value = float(data.reshape(-1)[0])
    if not math.isfinite(value):
        raise BadInputError(f"{operator.where}: pads with a number that is not finite")
    return {"value": value} if value else {}


def _along(shape: Shape, axis: int) -> Shape:
    """A tensor as (1, axis and those before, those behind): padding it is padding columns."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def pad(state: State, operator: TfOperator) -> None:
    """PAD and PADV2: height and width at once, any other axis by itself."""
    pads, layer, x = _pads(state, operator), state.layer(operator), state.x(operator)
    quantized = state.is_quantized(state.tensor(operator, 0))
    attrs = {**(state.quantized(operator, (0,)) if quantized else {}), **_value(state, operator)}
    shape = state.builder.shape(x)
    if len(shape) == _IMAGE_AXES and pads[2] == _NONE:
        sizes = {**attrs, "pads": (*pads[0], *pads[1])}
        state.emit(operator, "q_pad" if quantized else "zero_pad", (x,), layer, sizes)
        return
    for axis in (i for i, ends in enumerate(pads) if ends != _NONE):
        image = state.builder.reshaped(x, _along(shape, axis), f"{layer}/along{axis}", layer)
        x = _padded(
            state, operator, image, f"{layer}/pad{axis}", {**attrs, "pads": (*_NONE, *pads[axis])}
        )
        shape = (*shape[:axis], shape[axis] + sum(pads[axis]), *shape[axis + 1 :])
    state.become(operator, x, layer)


def _padded(state: State, operator: TfOperator, x: str, name: str, attrs: dict[str, Any]) -> str:
    layer = name.split("/")[0]
    if "rounding" not in attrs:
        return state.builder.op("zero_pad", name, (x,), layer, attrs)
    quant = state.quant(state.output(operator))
    return state.builder.op("q_pad", name, (x,), layer, attrs, "int8", quant)


RULES: dict[str, Rule] = {"PAD": pad, "PADV2": pad}
