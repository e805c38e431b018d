"""Running standardisation: (x - mean) / sqrt(variance), both learnt from the stream.

Mean and variance by Welford's recurrence (Technometrics 4(3), 1962). The statistics are
stored as [count, mean[n], m2[n]] and are part of the weights' byte range. Elements further out
than 16 standard deviations are winsorized (P. J. Huber, Robust Statistics, Wiley 1981, 1.7),
for the statistics and in the output: one absurd sample ruins neither them nor the layers behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, Symbol, register
from tinylearn.ops.cases import case

EPSILON = 1e-6
#: largest deviation, in standard deviations, and the samples after which it holds
LIMIT = 16.0
#: samples remembered; from there each new one takes the place of an average one
MEMORY = 2.0**16


def updated(stats: Array, x: Array) -> Array:
    """Statistics after one more sample; elements whose square float32 cannot hold are left out."""
    n = (len(stats) - 1) // 2
    count, mean, m2 = min(stats[0] + 1, MEMORY), stats[1 : n + 1], stats[n + 1 :]
    kept = m2 - m2 / count if count == MEMORY else m2
    with np.errstate(over="ignore", invalid="ignore"):
        d = x - mean
        if count > LIMIT:
            limit = LIMIT * np.sqrt(m2 / count + EPSILON)
            d = np.clip(d, -limit, limit)
        fits = kept + d * d <= np.finfo(np.float32).max
        new_mean = np.where(fits, mean + d / count, mean)
        new_m2 = np.where(fits, kept + d * (d - d / count), m2)
    return np.concatenate([[count], new_mean, new_m2]).astype(stats.dtype)


def deviation(stats: Array) -> Array:
    """Standard deviation of each feature; 1 until two samples were seen."""
    n = (len(stats) - 1) // 2
    if stats[0] < 2:
        return np.ones(n, stats.dtype)
    spread: Array = np.sqrt(stats[n + 1 :] / stats[0] + stats.dtype.type(EPSILON))
    return spread


def standardized(stats: Array, x: Array) -> Array:
    """x in standard deviations from the mean, at most 16 once more than 16 samples were seen."""
    y: Array = (x - stats[1 : x.size + 1]) / deviation(stats)
    return np.clip(y, -LIMIT, LIMIT) if stats[0] > LIMIT else y


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
        return [standardized(stats, flat).reshape(x.shape), stats]

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
    """dx = dy / sqrt(variance): the statistics count as constants, and winsorizing as the
    identity (straight through: Y. Bengio et al., arXiv:1308.3432)."""

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
