"""RESHAPE, CONCATENATION, TRANSPOSE, RESIZE_NEAREST_NEIGHBOR and what is like them."""

from __future__ import annotations

from typing import Any

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.tflite.activation import rescaled
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State, fused, shape_of
from tinylearn.ir.graph import Op, frozen_map
from tinylearn.ops.q_move import MOST_AXES, MOST_PARTS, resize_indices


def reshape(state: State, operator: TfOperator) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the output's declared shape says all."""
    layer = state.layer(operator)
    state.become(operator, state.x(operator), layer)


def shape_arithmetic(state: State, operator: TfOperator) -> None:
    """SHAPE and what computes with it: the converter's way to flatten. Nothing to do, as the
    shape that comes out is declared."""
    if state.output(operator).type != "INT32":
        raise UnsupportedError(f"{operator.where}: supported: on shapes only")


def concatenation(state: State, operator: TfOperator) -> None:
    """CONCATENATION; parts of another scale than the output are brought to it."""
    rank = len(state.output(operator).shape)
    axis = operator.options["Axis"]
    if not -rank <= axis < rank:
        raise BadInputError(f"{operator.where}: joins along axis {axis} of {rank}")
    axis = axis % rank - 1
    if axis < 0 or fused(operator):
        raise UnsupportedError(f"{operator.where}: along the batch, or with an activation")
    layer = state.layer(operator)
    if state.is_quantized(state.output(operator)):
        ends = range(len(operator.inputs))
        parts = [rescaled(state, operator, at, f"{layer}/part{at}") for at in ends]
        attrs = {**state.quantized(operator, (0,)), "axis": axis}
        parts = _joined(state, operator, layer, parts, attrs)
        state.emit(operator, "q_concat", tuple(parts), layer, attrs)
    else:
        _concat_floats(state, operator, layer, axis)


def _joined(state: State, operator: TfOperator, layer: str, parts: list[str],
            attrs: dict[str, Any]) -> list[str]:  # fmt: skip
    """As many parts as one kernel call takes: the first ones are joined before."""
    quant, n = state.quant(state.output(operator)), 0
    while len(parts) > MOST_PARTS:
        name = f"{layer}/join{n}"
        first = state.builder.op(
            "q_concat", name, tuple(parts[:MOST_PARTS]), layer, attrs, "int8", quant
        )
        parts, n = [first, *parts[MOST_PARTS:]], n + 1
    return parts


def _concat_floats(state: State, operator: TfOperator, layer: str, axis: int) -> None:
    shape, at, so_far = shape_of(state.output(operator)), 0, tuple[str, ...]()
    for i in range(len(operator.inputs)):
        x = state.floats(operator, i)
        attrs = {"axis": axis, "at": at, "out_shape": shape}
        so_far = (state.builder.op("concat_part", f"{layer}/{i}", (x, *so_far), layer, attrs),)
        at += state.builder.shape(x)[axis]
    if at != shape[axis]:
        raise BadInputError(f"{operator.where}: its inputs fill {at} of {shape[axis]} places")
    state.become(operator, so_far[0], layer)


def transpose(state: State, operator: TfOperator) -> None:
    """TRANSPOSE; axes of one, such as the batch, may go anywhere."""
    perm, shape = state.integers(operator, 1), state.tensor(operator, 0).shape
    if not perm or sorted(perm) != list(range(len(shape))):
        raise BadInputError(f"{operator.where}: permutation {perm} of {shape}")
    layer, x = state.layer(operator), state.x(operator)
    if perm[0] != 0 or len(perm) == 1:
        x, perm = _without_ones(state, operator, x, perm)
    if len(perm) - 1 > MOST_AXES:
        raise UnsupportedError(f"{operator.where}: of {len(perm) - 1} axes; at most {MOST_AXES}")
    state.emit(operator, "transpose", (x,), layer, {"perm": tuple(p - 1 for p in perm[1:])})


def _without_ones(state: State, operator: TfOperator, x: str,
                  perm: list[int]) -> tuple[str, list[int]]:  # fmt: skip
    """The tensor and the permutation of its axes that are longer than one, behind a batch."""
    shape = state.tensor(operator, 0).shape
    kept = [a for a, n in enumerate(shape) if n > 1]
    sizes = tuple(shape[a] for a in kept) or (1,)
    x = state.builder.reshaped(x, sizes, f"{x}/long{operator.index}", x)
    return x, [0, *(1 + kept.index(p) for p in perm if p in kept)] if kept else [0, 1]


def resize_nearest(state: State, operator: TfOperator) -> None:
    """RESIZE_NEAREST_NEIGHBOR to a constant size."""
    size = tuple(state.integers(operator, 1))
    if len(size) != 2 or not all(0 < n <= 1 << 12 for n in size):
        raise BadInputError(f"{operator.where}: cannot resize to {size}")
    layer, x = state.layer(operator), state.x(operator)
    attrs = {"size": size, "align_corners": bool(operator.options["AlignCorners"]),
             "half_pixel_centers": bool(operator.options["HalfPixelCenters"])}  # fmt: skip
    op = Op("resize_nearest", layer, (x,), (), frozen_map(attrs))
    if len(state.builder.shape(x)) != 3:
        raise BadInputError(f"{operator.where}: cannot resize {state.builder.shape(x)}")
    rows, columns = resize_indices(op, state.builder.shape(x))
    tables = (state.builder.integers(f"{layer}/rows", rows),
              state.builder.integers(f"{layer}/columns", columns))  # fmt: skip
    state.emit(operator, "resize_nearest", (x, *tables), layer, attrs)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), reshape),
    **dict.fromkeys(("SHAPE", "PACK"), shape_arithmetic),
    "CONCATENATION": concatenation,
    "TRANSPOSE": transpose,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest,
}
