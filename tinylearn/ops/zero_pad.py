"""Explicit padding of height and width with zeros, or another value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, Struct, register
from tinylearn.ops.cases import case


def _struct(op: Op, shape: Shape) -> Struct:
    names = ("in_h", "in_w", "in_c", "top", "bottom", "left", "right")
    return Struct("tl_padding_t", tuple(zip(names, (*shape, *op.attrs["pads"]), strict=True)))


@register
class ZeroPad(OpDef):
    """inputs x [h, w, c]; attrs pads (top, bottom, left, right), and value where that is not 0."""

    kind = "zero_pad"
    headers = ("kernels/zero_pad_f32.h",)
    summary = "ZeroPadding1D, ZeroPadding2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        top, bottom, left, right = op.attrs["pads"]
        if len(x) != 3 or min(op.attrs["pads"]) < 0:
            raise BadInputError(f"layer {op.layer}: cannot pad {x} by {op.attrs['pads']}")
        return ((x[0] + top + bottom, x[1] + left + right, x[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        top, bottom, left, right = op.attrs["pads"]
        value = op.attrs.get("value", 0.0)
        return [np.pad(args[0], ((top, bottom), (left, right), (0, 0)), constant_values=value)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]),), (g.new(x),), in_shape=g.graph.shape(x))

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = _struct(op, graph.shape(op.inputs[0]))
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        if "value" in op.attrs:
            return Call("tl_pad_f32", (*refs, sizes, float(op.attrs["value"])))
        return Call("tl_zero_pad_f32", (*refs, sizes))

    def cases(self) -> list[Graph]:
        sizes = ((1, 2, 0, 3), (0, 0, 2, 0))
        ones = case(self.kind, (3, 4, 2), attrs={"pads": (1, 0, 2, 1), "value": 1.25})
        return [*(case(self.kind, (3, 4, 2), attrs={"pads": p}) for p in sizes), ones]


@register
class ZeroPadBackward(OpDef):
    """dx = the inner part of dy."""

    kind = "zero_pad_backward"
    headers = ("kernels/zero_pad_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y = args[0]
        assert d_y is not None
        top, _, left, _ = op.attrs["pads"]
        height, width, _ = op.attrs["in_shape"]
        return [d_y[top : top + height, left : left + width].copy()]

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = _struct(op, op.attrs["in_shape"])
        return Call("tl_zero_pad_backward_f32", (Ref(op.outputs[0]), Ref(op.inputs[0]), sizes))
