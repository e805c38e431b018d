"""What an optimiser adds to plain SGD: scaling and adding whole weight buffers.

Semantics follow keras.optimizers.SGD: velocity = momentum * velocity - rate * gradient;
weight decay is decoupled and uses the weights before the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Arg, Call, Env, OpDef, Ref, Shape, Symbol, register


def _factor(op: Op, env: Env) -> float:
    """A constant factor, or one of the values that follow the learning rate."""
    name = op.attrs["factor"]
    return float(getattr(env, name)) if isinstance(name, str) else float(name)


def _factor_arg(op: Op) -> Arg:
    name = op.attrs["factor"]
    return Symbol(name) if isinstance(name, str) else float(name)


@register
class ScaleWeights(OpDef):
    """updates: u *= factor; attrs factor (number, or the name of an Env value)."""

    kind = "scale_weights"
    headers = ("kernels/sgd_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        u = args[-1]
        assert u is not None
        return [u * u.dtype.type(_factor(op, env))]

    def call(self, op: Op, graph: Graph) -> Call:
        target = op.updates[0]
        return Call("tl_scale_f32", (Ref(target), _factor_arg(op), graph[target].size))


@register
class AddScaled(OpDef):
    """updates: u += factor * v; inputs v."""

    kind = "add_scaled"
    headers = ("kernels/sgd_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        v, u = args
        assert v is not None and u is not None
        return [u + u.dtype.type(_factor(op, env)) * v]

    def call(self, op: Op, graph: Graph) -> Call:
        target = op.updates[0]
        args = (Ref(target), Ref(op.inputs[0]), _factor_arg(op), graph[target].size)
        return Call("tl_accumulate_scaled_f32", args)


@register
class Clear(OpDef):
    """updates: u = 0."""

    kind = "clear"
    headers = ("kernels/sgd_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[-1] is not None
        return [np.zeros_like(args[-1])]

    def call(self, op: Op, graph: Graph) -> Call:
        target = op.updates[0]
        return Call("tl_fill_f32", (Ref(target), 0.0, graph[target].size))
