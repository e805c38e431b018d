"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN, SUM and REDUCE_MAX."""

from __future__ import annotations

import math
from typing import Any

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.layers import padding
from tinylearn.importers.tflite.state import UINT8_OFFSET, Rule, State, activated, fused
from tinylearn.ops.window import window_attrs

_IMAGE_AXES = 4
_PLACES = {1, 2}


def _pool(state: State, operator: TfOperator, kind: str) -> None:
    options, x, layer = operator.options, state.x(operator), state.layer(operator)
    kernel = (options["FilterHeight"], options["FilterWidth"])
    window = window_attrs(kernel, (options["StrideH"], options["StrideW"]), padding(operator))
    if state.is_quantized(state.tensor(operator, 0)):
        attrs = {**state.quantized(operator, (0,), fused(operator)), **window}
        if kind == "average_pool" and state.tensor(operator, 0).type == "UINT8":
            attrs["halves_up"] = 1
        state.emit(operator, f"q_{kind}", (x,), layer, attrs)
    else:
        out = state.builder.op(kind, layer, (x,), layer, window)
        state.become(operator, activated(state, operator, out, layer), layer)


def max_pool_2d(state: State, operator: TfOperator) -> None:
    """MAX_POOL_2D."""
    _pool(state, operator, "max_pool")


def average_pool_2d(state: State, operator: TfOperator) -> None:
    """AVERAGE_POOL_2D."""
    _pool(state, operator, "average_pool")


def _axes(state: State, operator: TfOperator) -> set[int]:
    """The axes of the file that an operator reduces."""
    axes, rank = state.integers(operator, 1), len(state.tensor(operator, 0).shape)
    if not axes or not all(-rank <= a < rank for a in axes):
        raise BadInputError(f"{operator.where}: no axes {axes} in {rank}")
    return {a % rank for a in axes}


def _is_over_places(shape: tuple[int, ...], over: set[int]) -> bool:
    """Whether all but the batch and the last axis is reduced: height and width, or the steps of a
    sequence."""
    return over == {a for a in range(1, len(shape) - 1) if shape[a] > 1 or a in over}


def _inner(state: State, operator: TfOperator, over: set[int]) -> tuple[int, ...]:
    """The axes without the batch, whose mean is itself."""
    batch = int(len(state.tensor(operator, 0).shape) > 1)
    inner = tuple(sorted(a - batch for a in over if a >= batch))
    if not inner:
        raise UnsupportedError(f"{operator.where}: over the batch alone")
    return inner


def mean(state: State, operator: TfOperator) -> None:
    """MEAN over any axes."""
    source, x, over = state.tensor(operator, 0), state.x(operator), _axes(state, operator)
    layer, places = state.layer(operator), _is_over_places(source.shape, over)
    axes: dict[str, Any] = {} if places else {"axes": _inner(state, operator, over)}
    if state.is_quantized(source):
        attrs = {**state.quantized(operator, (0,)), **axes, **_rounded_zero(state, operator)}
        state.emit(operator, "q_mean", (x,), layer, attrs)
    elif places:
        state.emit(operator, "global_average_pool", (x,), layer, {})
    else:
        state.emit(operator, "reduce", (x,), layer, {**axes, "mean": 1})


def _rounded_zero(state: State, operator: TfOperator) -> dict[str, int]:
    """LiteRT's optimized kernels have one of their own for height and width that stay as axes."""
    source = state.tensor(operator, 0)
    own = operator.options["KeepDims"] and len(source.shape) == _IMAGE_AXES
    if state.rounding == "single" or not own or _axes(state, operator) != _PLACES:
        return {}
    return {"rounded_zero": UINT8_OFFSET if source.type == "UINT8" else 0}


def total(state: State, operator: TfOperator) -> None:
    """SUM of float32."""
    if state.is_quantized(state.tensor(operator, 0)):
        raise UnsupportedError(f"{operator.where}: of integers; supported: float32")
    axes = _inner(state, operator, _axes(state, operator))
    attrs = {"axes": axes, "mean": 0}
    state.emit(operator, "reduce", (state.x(operator),), state.layer(operator), attrs)


def greatest(state: State, operator: TfOperator) -> None:
    """REDUCE_MAX over axes that lie side by side: max pooling of (before, reduced, behind)."""
    x, source = state.x(operator), state.tensor(operator, 0)
    shape, axes = state.builder.shape(x), _inner(state, operator, _axes(state, operator))
    if axes[-1] - axes[0] >= len(axes):
        raise UnsupportedError(f"{operator.where}: over axes that are not side by side")
    ends = (shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :])
    before, reduced, behind = (math.prod(part) for part in ends)
    layer = state.layer(operator)
    x = state.builder.reshaped(x, (before, reduced, behind), f"{layer}/rows", layer)
    attrs = window_attrs((1, reduced), (1, reduced), "valid")
    if not state.is_quantized(source):
        return state.emit(operator, "max_pool", (x,), layer, attrs)
    if state.one(source) != state.one(state.output(operator)):
        raise BadInputError(f"{operator.where}: its output has another scale than its input")
    return state.emit(
        operator, "q_max_pool", (x,), layer, {**state.quantized(operator, (0,)), **attrs}
    )


RULES: dict[str, Rule] = {
    "MAX_POOL_2D": max_pool_2d,
    "AVERAGE_POOL_2D": average_pool_2d,
    "MEAN": mean,
    "SUM": total,
    "REDUCE_MAX": greatest,
}
