"""Running standardisation: (x - mean) / sqrt(variance), both learnt from the stream.

Mean and variance by Welford's recurrence (Technometrics 4(3), 1962). The statistics are
stored as [count, mean[n], m2[n]] and are part of the weights' byte range.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, Symbol, register
from tinylearn.ops.cases import case

EPSILON = 1e-6


def updated(stats: Array, x: Array) -> Array:
    """Statistics after one more sample."""
    n = (len(stats) - 1) // 2
    count, mean, m2 = stats[0] + 1, stats[1 : n + 1], stats[n + 1 :]
    new_mean = mean + (x - mean) / count
    return np.concatenate([[count], new_mean, m2 + (x - mean) * (x - new_mean)]).astype(stats.dtype)


def deviation(stats: Array) -> Array:
    """Standard deviation of each feature; 1 until two samples were seen."""
    n = (len(stats) - 1) // 2
    if stats[0] < 2:
        return np.ones(n, stats.dtype)
    spread: Array = np.sqrt(stats[n + 1 :] / stats[0] + stats.dtype.type(EPSILON))
    return spread


@register
class Standardize(OpDef):
    """inputs x [n]; updates statistics [1 + 2n]."""

    kind = "standardize"
    headers = ("kernels/standardize_f32.h",)
    inplace = ((0, 0),)
    summary = "(added by --standardize)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph[op.inputs[0]]
        if graph.shape(op.updates[0]) != (1 + 2 * x.size,):
            raise BadInputError(f"op {op.name}: statistics do not fit {x.size} features")
        return (x.shape,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, stats = args
        assert x is not None and stats is not None
        flat = x.ravel()
        stats = updated(stats, flat) if env.observing else stats
        y = (flat - stats[1 : flat.size + 1]) / deviation(stats)
        return [y.reshape(x.shape), stats]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            d_y = g.gradient(op.outputs[0])
            g.add(op, (d_y, op.updates[0]), (g.new(x),))

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.outputs[0]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]), Ref(op.updates[0]))
        size = graph[op.outputs[0]].size
        return Call("tl_standardize_f32", (*refs, size, Symbol("observing"), EPSILON))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (5,), statistics=((11,),))]


@register
class StandardizeBackward(OpDef):
    """dx = dy / sqrt(variance): the statistics count as constants."""

    kind = "standardize_backward"
    headers = ("kernels/standardize_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, stats = args
        assert d_y is not None and stats is not None
        return [d_y / deviation(stats).reshape(d_y.shape)]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        size = graph[op.inputs[0]].size
        return Call("tl_standardize_backward_f32", (*refs, size, EPSILON))
