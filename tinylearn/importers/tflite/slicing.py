"""STRIDED_SLICE, SLICE and GATHER with constant arguments."""

from __future__ import annotations

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.tflite.file import TfOperator
from tinylearn.importers.tflite.state import Rule, State
from tinylearn.ops.slice import MOST_AXES

#: begin, size and step of an axis
_Part = tuple[int, int, int]


def _emit(state: State, operator: TfOperator, parts: list[_Part]) -> None:
    """The parts of all axes of the file, of which the batch must stay whole."""
    x, layer = state.x(operator), state.layer(operator)
    if len(parts) > 1 and parts.pop(0)[:2] != (0, 1):
        raise UnsupportedError(f"{operator.where}: a part of the batch")
    if len(parts) > MOST_AXES:
        raise UnsupportedError(f"{operator.where}: of {len(parts)} axes; at most {MOST_AXES}")
    columns = zip(("begin", "size", "step"), zip(*parts, strict=True), strict=True)
    state.emit(operator, "slice", (x,), layer, dict(columns))


def strided_slice(state: State, operator: TfOperator) -> None:
    """STRIDED_SLICE; of a shape, it is part of the converter's way to flatten."""
    if state.output(operator).type == "INT32":
        return
    options, shape = operator.options, state.tensor(operator, 0).shape
    if options.get("EllipsisMask") or options.get("NewAxisMask"):
        raise UnsupportedError(f"{operator.where}: with an ellipsis or a new axis")
    columns = [state.integers(operator, at) for at in (1, 2, 3)]
    if len({len(c) for c in columns}) != 1 or len(columns[0]) > len(shape):
        raise BadInputError(f"{operator.where}: {columns} for {len(shape)} axes")
    given = zip(shape, *columns, strict=False)
    parts = [_part(operator, i, *axis) for i, axis in enumerate(given)]
    _emit(state, operator, [*parts, *((0, n, 1) for n in shape[len(parts) :])])


def _part(operator: TfOperator, i: int, n: int, begin: int, end: int, step: int) -> _Part:
    """One axis, as NumPy reads it."""
    if step < 1:
        raise UnsupportedError(f"{operator.where}: a step of {step}; supported: 1 and more")
    bits = {name: operator.options.get(name, 0) >> i & 1
            for name in ("BeginMask", "EndMask", "ShrinkAxisMask")}  # fmt: skip
    first = None if bits["BeginMask"] else begin
    last = None if bits["EndMask"] else end
    if bits["ShrinkAxisMask"]:
        first, last = begin, begin + 1 if begin != -1 else None
    places = range(n)[slice(first, last, step)]
    if not places:
        raise BadInputError(f"{operator.where}: nothing of axis {i}")
    return places[0], len(places), step


def plain_slice(state: State, operator: TfOperator) -> None:
    """SLICE: begin and size of each axis, -1 for all that is left."""
    shape = state.tensor(operator, 0).shape
    begin, size = state.integers(operator, 1), state.integers(operator, 2)
    if len(begin) != len(shape) or len(size) != len(shape):
        raise BadInputError(f"{operator.where}: {begin} and {size} for {len(shape)} axes")
    axes = zip(shape, begin, size, strict=True)
    _emit(state, operator, [(b, n - b if s == -1 else s, 1) for n, b, s in axes])


def gather(state: State, operator: TfOperator) -> None:
    """GATHER of one place along one axis."""
    shape, places = state.tensor(operator, 0).shape, state.integers(operator, 1)
    axis, batched = operator.options["Axis"], operator.options["BatchDims"]
    if len(places) != 1 or batched or not -len(shape) <= axis < len(shape):
        raise UnsupportedError(f"{operator.where}: supported: one place along one axis")
    parts = [(0, n, 1) for n in shape]
    parts[axis] = (places[0], 1, 1)
    _emit(state, operator, parts)


RULES: dict[str, Rule] = {
    "STRIDED_SLICE": strided_slice,
    "SLICE": plain_slice,
    "GATHER": gather,
}
