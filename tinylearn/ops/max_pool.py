"""Max pooling; the gradient goes to the first maximum of each window, as in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case, windows


def _flat_windows(op: Op, x: Array) -> Array:
    tiles = window.patches(op, x, fill=-np.inf)
    return tiles.reshape(*tiles.shape[:3], -1)


@register
class MaxPool(OpDef):
    """inputs x [h, w, c]."""

    kind = "max_pool"
    headers = ("kernels/max_pool_f32.h",)
    summary = "MaxPooling1D, MaxPooling2D"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        return (window.out_shape(op, x, x[-1]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [_flat_windows(op, args[0]).max(axis=-1)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        x = op.inputs[0]
        if g.wants(x):
            g.add(op, (g.gradient(op.outputs[0]), x), (g.new(x),))

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        return Call("tl_max_pool_f32", (Ref(op.outputs[0]), Ref(op.inputs[0]), sizes))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (7, 6, 3), attrs=a) for k in ((2, 2), (3, 2)) for a in windows(k)]


@register
class MaxPoolBackward(OpDef):
    """inputs dy, x; output dx."""

    kind = "max_pool_backward"
    headers = ("kernels/max_pool_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[1]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, x = args
        assert d_y is not None and x is not None
        flat = _flat_windows(op, x)
        spread = (np.arange(flat.shape[-1]) == flat.argmax(axis=-1)[..., None]) * d_y[..., None]
        d_patches = spread.reshape(*flat.shape[:3], *op.attrs["kernel"])
        return [window.scatter(op, d_patches, x.shape)]

    def call(self, op: Op, graph: Graph) -> Call:
        d_y, x = op.inputs
        sizes = window.struct(op, graph.shape(x), graph.shape(d_y))
        return Call("tl_max_pool_backward_f32", (Ref(op.outputs[0]), Ref(d_y), Ref(x), sizes))
