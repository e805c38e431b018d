"""Mean over all positions of each channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register, rows_of
from tinylearn.ops.cases import case


@register
class GlobalAveragePool(OpDef):
    """inputs x [h, w, c]; output [c]."""

    kind = "global_average_pool"
    headers = ("kernels/average_pool_f32.h",)
    summary = "GlobalAveragePooling1D, GlobalAveragePooling2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        if len(x) < 2:
            raise BadInputError(f"layer {op.layer}: input must have positions and channels, is {x}")
        return (x[-1:],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x = args[0]
        assert x is not None
        return [x.reshape(-1, x.shape[-1]).mean(axis=0)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]),), (g.new(x),), in_shape=g.graph.shape(x))

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = rows_of(graph.shape(op.inputs[0]))
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_global_average_pool_f32", (*refs, *sizes))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (4, 3, 5)), case(self.kind, (1, 9, 2))]


@register
class GlobalAveragePoolBackward(OpDef):
    """inputs dy [c]; output dx."""

    kind = "global_average_pool_backward"
    headers = ("kernels/average_pool_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y = args[0]
        assert d_y is not None
        shape = op.attrs["in_shape"]
        return [np.broadcast_to(d_y / rows_of(shape)[0], shape).copy()]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_global_average_pool_backward_f32", (*refs, *rows_of(op.attrs["in_shape"])))
