"""MAX_POOL_2D, AVERAGE_POOL_2D and MEAN."""

from __future__ import annotations

from tinylearn.errors import UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.layers import padding
from tinylearn.importers.tflite.state import Rule, State, activated, fused
from tinylearn.ops.window import window_attrs


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


def mean(state: State, operator: TfOperator) -> None:
    """MEAN over all places: height and width, or the steps of a sequence."""
    source, x, layer = state.tensor(operator, 0), state.x(operator), state.layer(operator)
    axes, rank = state.integers(operator, 1), len(source.shape)
    over = {a % rank for a in axes if -rank <= a < rank}
    places = {a for a in range(1, rank - 1) if source.shape[a] > 1 or a in over}
    if over != places or not over or len(over) != len(axes):
        raise UnsupportedError(
            f"{operator.where}: over axes {sorted(axes)} of {source.shape}; supported: all but the "
            "batch and the last one"
        )
    if state.is_quantized(source):
        state.emit(operator, "q_mean", (x,), layer, state.quantized(operator, (0,)))
    else:
        state.emit(operator, "global_average_pool", (x,), layer, {})


RULES: dict[str, Rule] = {
    "MAX_POOL_2D": max_pool_2d,
    "AVERAGE_POOL_2D": average_pool_2d,
    "MEAN": mean,
}
