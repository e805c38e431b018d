"""Average pooling over the inputs inside each window (padding does not count)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case, windows


def _counts(op: Op, shape: Shape) -> Array:
    """Number of inputs inside each window, [h, w, c]."""
    counts: Array = window.patches(op, np.ones(shape)).sum(axis=(3, 4))
    return counts


@register
class AveragePool(OpDef):
    """inputs x [h, w, c]."""

    kind = "average_pool"
    headers = ("kernels/average_pool_f32.h",)
    summary = "AveragePooling1D, AveragePooling2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        return (window.out_shape(op, x, x[-1]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        total = window.patches(op, x).sum(axis=(3, 4))
        return [total / _counts(op, x.shape).astype(x.dtype)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]),), (g.new(x),), in_shape=g.graph.shape(x))

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        return Call("tl_average_pool_f32", (Ref(op.outputs[0]), Ref(op.inputs[0]), sizes))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (7, 6, 3), attrs=a) for k in ((2, 2), (3, 2)) for a in windows(k)]


@register
class AveragePoolBackward(OpDef):
    """inputs dy; output dx."""

    kind = "average_pool_backward"
    headers = ("kernels/average_pool_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y = args[0]
        assert d_y is not None
        shape = op.attrs["in_shape"]
        share = d_y / _counts(op, shape).astype(d_y.dtype)
        tiles = np.broadcast_to(share[..., None, None], (*d_y.shape, *op.attrs["kernel"]))
        return [window.scatter(op, tiles, shape)]

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = window.struct(op, op.attrs["in_shape"], graph.shape(op.inputs[0]))
        return Call("tl_average_pool_backward_f32", (Ref(op.outputs[0]), Ref(op.inputs[0]), sizes))
