"""Two-dimensional int8 convolution, weights OHWI, per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import finish, out_struct


@register
class QConv2D(OpDef):
    """inputs x int8 [h, w, c], w int8 [out_c, k_h, k_w, c], rows int32 [out_c, 3]; outputs y and,
    once planned, the bytes that a window is gathered into. Padding is the input's zero point."""

    kind = "q_conv2d"
    from_flash = (1, 2)
    headers = ("kernels/conv2d_s8.h",)
    summary = "CONV_2D (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w, rows = (graph.shape(name) for name in op.inputs)
        if len(x) != 3 or len(w) != 4 or x[2] != w[3] or w[1:3] != op.attrs["kernel"]:
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (OHWI)")
        if rows != (w[0], 3):
            raise BadInputError(f"layer {op.layer}: {w[0]} channels but {rows} scales")
        window_bytes = tuple(graph.shape(name) for name in op.outputs[1:])
        return (window.out_shape(op, x, w[0]), *window_bytes)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, rows = args
        assert x is not None and w is not None and rows is not None
        tiles = window.patches(op, x.astype(np.int64), fill=op.attrs["in_zeros"][0])
        centred = w.astype(np.int64) - op.attrs["w_zero"]
        acc = np.tensordot(tiles, centred, axes=((2, 3, 4), (3, 1, 2)))
        return [finish(op, acc, rows), *(np.zeros(1, np.int8) for _ in op.outputs[1:])]

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.outputs[0])
        return out_h * out_w * graph[op.inputs[1]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        taps = Ref(op.outputs[1] if len(op.outputs) > 1 else "")
        zeros = (op.attrs["in_zeros"][0], op.attrs["w_zero"])
        return Call("tl_conv2d_s8", (*refs, sizes, *zeros, out_struct(op, graph), taps))
