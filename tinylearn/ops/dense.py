"""Fully connected layer: y = f(W x + b), W stored [out, in].

With ``input_activation`` the backward kernel also applies the slope of the activation that
made x, so that the input gradient can take the place of x itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import activation
from tinylearn.ops.base import (
    Arg,
    Call,
    Env,
    GradientBuilder,
    Macro,
    OpDef,
    Ref,
    Shape,
    Symbol,
    activation_args,
    register,
)  # fmt: skip
from tinylearn.ops.cases import case


def _outputs_in_use(op: Op, n_out: int) -> Arg:
    return Symbol("classes") if op.attrs.get("growable") else n_out


def _in_use(op: Op, env: Env, n_out: int) -> int:
    return env.classes if op.attrs.get("growable") and env.classes is not None else n_out


@register
class Dense(OpDef):
    """inputs x [n_in], w [n_out, n_in], b [n_out] or ""."""

    kind = "dense"
    headers = ("kernels/dense_f32.h",)
    fuses_activation = True
    weights = (1, 2)
    summary = "Dense"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w = graph.shape(op.inputs[0]), graph.shape(op.inputs[1])
        if len(w) != 2 or x != (w[1],):
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (out, in)")
        return ((w[0],),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, b = args
        assert x is not None and w is not None
        y = activation.apply(op, w @ x + (0 if b is None else b))
        y[_in_use(op, env, len(y)) :] = 0
        return [y]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x, w, b = op.inputs
        d_y = activation.backward(op, g)
        d_x = (g.new(x),) if g.wants(x) else ()
        updates = (g.updated(w), g.updated(b))
        g.add(op, (x, d_y, w), d_x, updates, activation="linear", bias=bool(updates[1]),
              frozen=not updates[0], skip=g.skips(d_y))  # fmt: skip

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[1]].size

    def call(self, op: Op, graph: Graph) -> Call:
        n_out, n_in = graph.shape(op.inputs[1])
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_dense_f32", (*refs, n_in, _outputs_in_use(op, n_out), *activation_args(op)))

    def cases(self) -> list[Graph]:
        sizes = ((1, 1), (1, 9), (7, 3), (8, 16), (17, 5), (40, 12))
        bare = case(self.kind, (6,), ((4, 6),))
        bare = bare.with_ops(replace(op, inputs=(*op.inputs, "")) for op in bare.ops)
        return [bare, *(case(self.kind, (n,), ((m, n), (m,))) for n, m in sizes)]


@register
class DenseBackward(OpDef):
    """inputs x, dy, w; output dx (if wanted); updates: what w's and b's gradients go to."""

    kind = "dense_backward"
    headers = ("kernels/dense_chain_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),) if op.outputs else ()

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, d_y, w, *updated = args
        assert x is not None and d_y is not None and w is not None
        d_y = d_y.copy()
        d_y[_in_use(op, env, len(d_y)) :] = 0
        results = [self._input_gradient(op, x, d_y, w)] if op.outputs else []
        steps = [env.step * np.outer(d_y, x)] if not op.attrs["frozen"] else []
        steps += [env.step * d_y] if op.attrs["bias"] else []
        return results + [u + s for u, s in zip(updated, steps, strict=True) if u is not None]

    @staticmethod
    def _input_gradient(op: Op, x: Array, d_y: Array, w: Array) -> Array:
        act = op.with_attrs(activation=op.attrs.get("input_activation", "linear"),
                            alpha=op.attrs.get("input_alpha", 0.0))  # fmt: skip
        return (d_y @ w) * activation.slope(act, x)

    def macs(self, op: Op, graph: Graph) -> int:
        sweeps = len(op.outputs) + (not op.attrs["frozen"])
        return graph[op.inputs[2]].size * sweeps

    def call(self, op: Op, graph: Graph) -> Call:
        x, d_y, w = op.inputs
        n_out, n_in = graph.shape(w)
        updates = list(op.updates)
        u_w = "" if op.attrs["frozen"] else updates.pop(0)
        u_b = updates.pop(0) if op.attrs["bias"] else ""
        d_x = op.outputs[0] if op.outputs else ""
        refs = tuple(Ref(name) for name in (d_x, x, d_y, w, u_w, u_b))
        args = (*refs, Symbol("step"), n_in, _outputs_in_use(op, n_out), int(op.attrs["skip"]))
        before = op.attrs.get("input_activation", "linear")
        if before == "linear":
            return Call("tl_dense_backward_f32", args)
        slope = (Macro(f"TL_{before.upper()}"), float(op.attrs["input_alpha"]))
        return Call("tl_dense_backward_chain_f32", (*args, *slope))
