"""Ops that move no data: another shape, or another name, for the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Shape, register
from tinylearn.ops.cases import case


@register
class Reshape(OpDef):
    """inputs x; attrs shape."""

    kind = "reshape"
    alias = True
    summary = "Flatten, Reshape"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, shape = graph[op.inputs[0]], tuple(op.attrs["shape"])
        if min(shape, default=0) < 1 or math.prod(shape) != x.size:
            raise BadInputError(f"layer {op.layer}: cannot reshape {x.shape} to {shape}")
        return (shape,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [args[0].reshape(op.attrs["shape"])]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        g.share(op.inputs[0], g.gradient(op.outputs[0]))

    def call(self, op: Op, graph: Graph) -> Call | None:
        return None

    def cases(self) -> list[Graph]:
        return [case(self.kind, (2, 3, 4), attrs={"shape": s}) for s in ((24,), (6, 4))]


@register
class Alias(OpDef):
    """The same values under another name, in the shape that the graph gives the output."""

    kind = "alias"
    alias = True

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.outputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [args[0].reshape(op.attrs["shape"])]

    def call(self, op: Op, graph: Graph) -> Call | None:
        return None
