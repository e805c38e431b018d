"""Softmax over the last axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import (
    Arg,
    Call,
    Env,
    GradientBuilder,
    OpDef,
    Ref,
    Shape,
    Symbol,
    register,
    rows_of,
)
from tinylearn.ops.cases import case


def softmax(z: Array, classes: int | None = None) -> Array:
    """Softmax of the last axis; with ``classes``, over its first entries, the rest 0."""
    used = z[..., :classes]
    e = np.exp(used - used.max(axis=-1, keepdims=True, initial=-np.inf))
    y = np.zeros_like(z)
    y[..., : used.shape[-1]] = e / e.sum(axis=-1, keepdims=True)
    return y


def _width(op: Op, n: int) -> Arg:
    return Symbol("classes") if op.attrs.get("growable") else n


@register
class Softmax(OpDef):
    """y = softmax(x)."""

    kind = "softmax"
    headers = ("kernels/softmax_f32.h",)
    inplace = ((0, 0),)
    summary = "Softmax (layer or inline)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [softmax(args[0], env.classes if op.attrs.get("growable") else None)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        if g.wants(op.inputs[0]):
            d_y = g.gradient(op.outputs[0])
            g.add(op, (d_y, op.outputs[0]), (g.new(op.inputs[0]),))

    def call(self, op: Op, graph: Graph) -> Call:
        rows, n = rows_of(graph.shape(op.inputs[0]))
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_softmax_f32", (*refs, rows, _width(op, n)))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (1,)), case(self.kind, (7,)), case(self.kind, (2, 3, 4))]


@register
class SoftmaxBackward(OpDef):
    """dx = y * (dy - sum(dy * y)); inputs dy, y."""

    kind = "softmax_backward"
    headers = ("kernels/softmax_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, y = args
        assert d_y is not None and y is not None
        return [y * (d_y - (d_y * y).sum(axis=-1, keepdims=True))]

    def call(self, op: Op, graph: Graph) -> Call:
        rows, n = rows_of(graph.shape(op.inputs[0]))
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_softmax_backward_f32", (*refs, rows, _width(op, n)))
