"""Concatenation along one axis, one copy per input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case


def _tail(shape: Shape, axis: int) -> int:
    return int(np.prod(shape[axis:], dtype=np.int64))


@register
class ConcatPart(OpDef):
    """Writes x into its place in y. inputs x and, but for the first part, y so far.

    attrs axis, at (offset along axis), out_shape.
    """

    kind = "concat_part"
    headers = ("kernels/concat_f32.h",)
    inplace = ((0, 1),)
    summary = "Concatenate"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, y, axis = graph.shape(op.inputs[0]), tuple(op.attrs["out_shape"]), op.attrs["axis"]
        fits = len(x) == len(y) and 0 <= axis < len(y)
        fits = fits and 0 <= op.attrs["at"] <= y[axis] - x[axis]
        if not fits or x[:axis] + x[axis + 1 :] != y[:axis] + y[axis + 1 :]:
            raise BadInputError(f"layer {op.layer}: cannot concatenate {x} into {y} on axis {axis}")
        return (y,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        before = args[1] if len(args) > 1 else None
        y = np.zeros(op.attrs["out_shape"], x.dtype) if before is None else before.copy()
        axis, at = op.attrs["axis"], op.attrs["at"]
        np.moveaxis(y, axis, 0)[at : at + x.shape[axis]] = np.moveaxis(x, axis, 0)
        return [y]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        d_y, x = g.gradient(op.outputs[0]), op.inputs[0]
        if g.wants(x):
            g.add(op, (d_y,), (g.new(x),), in_shape=g.graph.shape(x))
        if len(op.inputs) > 1:
            g.share(op.inputs[1], d_y)

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = _sizes(op, graph.shape(op.inputs[0]))
        return Call("tl_concat_part_f32", (Ref(op.outputs[0]), Ref(op.inputs[0]), *sizes))

    def cases(self) -> list[Graph]:
        attrs = {"axis": 1, "at": 0, "out_shape": (2, 3, 4)}
        return [case(self.kind, (2, 3, 4), attrs=attrs)]


def _sizes(op: Op, x: Shape) -> tuple[int, int, int, int]:
    """(rows, floats of x a row, floats of y a row, first column in y)."""
    y, axis = tuple(op.attrs["out_shape"]), op.attrs["axis"]
    rows = int(np.prod(y[:axis], dtype=np.int64))
    return rows, _tail(x, axis), _tail(y, axis), op.attrs["at"] * _tail(y, axis + 1)


@register
class ConcatPartBackward(OpDef):
    """dx = its part of dy."""

    kind = "concat_part_backward"
    headers = ("kernels/concat_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y = args[0]
        assert d_y is not None
        axis, at, shape = op.attrs["axis"], op.attrs["at"], op.attrs["in_shape"]
        part = np.moveaxis(d_y, axis, 0)[at : at + shape[axis]]
        return [np.moveaxis(part, 0, axis).copy()]

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = _sizes(op, op.attrs["in_shape"])
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_concat_part_backward_f32", (*refs, *sizes))
