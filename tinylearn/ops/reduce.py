"""Sum or mean over any axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import reduction
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case


def _scale(op: Op, shape: Shape) -> float:
    """What the sum is multiplied by, a float32 value."""
    count = reduction.count(shape, op.attrs["axes"])
    return float(np.float32(1) / np.float32(count)) if op.attrs["mean"] else 1.0


@register
class Reduce(OpDef):
    """inputs x; attrs axes, mean (1, or 0 for the sum). Output: x without the axes."""

    kind = "reduce"
    headers = ("kernels/reduce_f32.h",)
    summary = "MEAN, SUM"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, axes, where = graph.shape(op.inputs[0]), op.attrs["axes"], f"layer {op.layer}"
        out = reduction.out_shape(x, axes, where)
        reduction.struct(x, axes, where)
        return (out,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        total = x.sum(axis=tuple(op.attrs["axes"])) * x.dtype.type(_scale(op, x.shape))
        return [np.asarray(total).reshape(reduction.out_shape(x.shape, op.attrs["axes"], ""))]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]),), (g.new(x),), in_shape=g.graph.shape(x))

    def call(self, op: Op, graph: Graph) -> Call:
        x = graph.shape(op.inputs[0])
        sizes = reduction.struct(x, op.attrs["axes"], f"layer {op.layer}")
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_reduce_f32", (*refs, sizes, _scale(op, x)))

    def cases(self) -> list[Graph]:
        axes = ((0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2))
        return [case(self.kind, (3, 4, 5), attrs={"axes": a, "mean": i % 2})
                for i, a in enumerate(axes)]  # fmt: skip


@register
class ReduceBackward(OpDef):
    """dx = dy, repeated along the axes, times the scale of the sum."""

    kind = "reduce_backward"
    headers = ("kernels/reduce_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, shape = args[0], op.attrs["in_shape"]
        assert d_y is not None
        kept = tuple(1 if i in op.attrs["axes"] else n for i, n in enumerate(shape))
        scale = d_y.dtype.type(_scale(op, shape))
        return [np.broadcast_to(d_y.reshape(kept) * scale, shape).copy()]

    def call(self, op: Op, graph: Graph) -> Call:
        x = op.attrs["in_shape"]
        sizes = reduction.struct(x, op.attrs["axes"], f"layer {op.layer}")
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_reduce_backward_f32", (*refs, sizes, _scale(op, x)))
