"""Layers that join branches: Add, Subtract, Multiply and Concatenate."""

from __future__ import annotations

from collections.abc import Sequence

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.builder import Value
from tinylearn.importers.layers.base import Layer, converts_many
from tinylearn.ops import broadcast
from tinylearn.ops.base import Shape


def _at_least_two(layer: Layer, inputs: Sequence[Value]) -> None:
    if len(inputs) < 2:
        raise BadInputError(f"{layer.fields.where}: needs 2 inputs or more, has {len(inputs)}")


def _part(index: int, inputs: Sequence[Value]) -> str:
    """Names of the steps: the last one has the layer's own."""
    return "" if index == len(inputs) - 1 else f"part_{index}"


@converts_many("Add", "ops.Add")
def add(layer: Layer, inputs: Sequence[Value]) -> Value:
    """The sum of inputs of one shape, two at a time."""
    _at_least_two(layer, inputs)
    total = layer.exact(inputs[0])
    for i, x in enumerate(inputs[1:], 1):
        total = layer.op("add", _part(i, inputs), (total, layer.exact(x)))
    return Value(total, inputs[0].shape)


@converts_many("Multiply", "ops.Multiply")
def multiply(layer: Layer, inputs: Sequence[Value]) -> Value:
    """The product of inputs that may repeat along each other, two at a time."""
    _at_least_two(layer, inputs)
    total = inputs[0]
    for i, x in enumerate(inputs[1:], 1):
        total = _repeated(layer, ("multiply", "multiply"), _part(i, inputs), total, x)
    return total


@converts_many("Subtract", "ops.Subtract")
def subtract(layer: Layer, inputs: Sequence[Value]) -> Value:
    """The first input minus the second."""
    if len(inputs) != 2:
        raise BadInputError(f"{layer.fields.where}: needs 2 inputs, has {len(inputs)}")
    return _repeated(layer, ("subtract", "subtract_from"), "", *inputs)


def _repeated(layer: Layer, kinds: tuple[str, str], part: str, a: Value, b: Value) -> Value:
    """An op of two tensors; its second kind has the operands exchanged."""
    if len(a.shape) != len(b.shape):
        raise UnsupportedError(
            f"{layer.fields.where}: shapes {a.shape} and {b.shape}; supported: as many axes each"
        )
    full = broadcast.out_shape(a.shape, b.shape, layer.fields.where)
    if full not in (a.shape, b.shape):
        raise UnsupportedError(f"{layer.fields.where}: {a.shape} and {b.shape} both repeat")
    exchanged = full != a.shape
    parts = (b, a) if exchanged else (a, b)
    names = [layer.exact(x) for x in parts]
    return Value(layer.op(kinds[exchanged], part, names), full)


@converts_many("Concatenate")
def concatenate(layer: Layer, inputs: Sequence[Value]) -> Value:
    """The inputs side by side along one axis."""
    _at_least_two(layer, inputs)
    axis = _axis(layer, len(inputs[0].shape))
    shape = _joined(layer, [x.shape for x in inputs], axis)
    so_far: tuple[str, ...] = ()
    at = 0
    for i, x in enumerate(inputs):
        attrs = {"axis": axis, "at": at, "out_shape": shape}
        so_far = (layer.op("concat_part", _part(i, inputs), (layer.exact(x), *so_far), **attrs),)
        at += x.shape[axis]
    return Value(so_far[0], shape)


def _axis(layer: Layer, rank: int) -> int:
    """The axis without batch; Keras counts the batch as axis 0."""
    axis = layer.fields.get("axis", -1)
    if type(axis) is not int or not (-rank <= axis <= rank) or axis == 0:
        layer.fields.wrong("axis", f"an axis from 1 to {rank}, or negative (not the batch)")
    return axis - 1 if axis > 0 else axis + rank


def _joined(layer: Layer, shapes: list[Shape], axis: int) -> Shape:
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        raise BadInputError(f"{layer.fields.where}: cannot concatenate shapes {shapes[:8]}")
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])
