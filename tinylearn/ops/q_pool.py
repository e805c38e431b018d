"""Max and average pooling of int8 images; padding is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import clamped


class _Pool(OpDef):
    """inputs x int8 [h, w, c]."""

    function: str

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x = graph.shape(op.inputs[0])
        return (window.out_shape(op, x, x[-1]),)

    def call(self, op: Op, graph: Graph) -> Call:
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        limits = (op.attrs["out_min"], op.attrs["out_max"])
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call(self.function, (*refs, sizes, *limits, *self.options(op)))

    def options(self, op: Op) -> tuple[int, ...]:
        """Further arguments of the kernel."""
        return ()


@register
class QMaxPool(_Pool):
    """The greatest value of each window."""

    kind = "q_max_pool"
    function = "tl_max_pool_s8"
    headers = ("kernels/pool_s8.h",)
    summary = "MAX_POOL_2D (int8)"

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        tiles = window.patches(op, args[0].astype(np.int64), fill=-128)
        return [clamped(op, tiles.max(axis=(3, 4)))]


@register
class QAveragePool(_Pool):
    """The mean of each window's values inside the input, halves away from zero; up with
    ``halves_up``, as LiteRT rounds uint8."""

    kind = "q_average_pool"
    function = "tl_average_pool_s8"
    headers = ("kernels/pool_s8.h",)
    summary = "AVERAGE_POOL_2D (int8)"

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        total = window.patches(op, args[0].astype(np.int64)).sum(axis=(3, 4))
        count = window.patches(op, np.ones_like(args[0], np.int64)).sum(axis=(3, 4))
        if op.attrs.get("halves_up"):
            return [clamped(op, (total + 128 * count + count // 2) // count - 128)]
        return [clamped(op, np.sign(total) * ((np.abs(total) + count // 2) // count))]

    def options(self, op: Op) -> tuple[int, ...]:
        return (int(bool(op.attrs.get("halves_up"))),)
