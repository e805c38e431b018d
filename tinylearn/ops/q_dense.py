"""Fully connected int8 layer, per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import finish, out_struct


@register
class QDense(OpDef):
    """inputs x int8 [n_in], w int8 [n_out, n_in], rows int32 [n_out, 3] (see ir.quant)."""

    kind = "q_dense"
    from_flash = (1, 2)
    headers = ("kernels/dense_s8.h",)
    summary = "FULLY_CONNECTED (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w, rows = (graph.shape(name) for name in op.inputs)
        if len(w) != 2 or x != (w[1],) or rows != (w[0], 3):
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (out, in)")
        return ((w[0],),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, rows = args
        assert x is not None and w is not None and rows is not None
        centred = w.astype(np.int64) - op.attrs["w_zero"]
        return [finish(op, centred @ x.astype(np.int64), rows)]

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[1]].size

    def call(self, op: Op, graph: Graph) -> Call:
        n_out, n_in = graph.shape(op.inputs[1])
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = (n_in, n_out, op.attrs["w_zero"], out_struct(op, graph))
        return Call("tl_dense_s8", (*refs, *sizes))
