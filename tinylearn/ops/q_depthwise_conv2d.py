"""Depthwise int8 convolution, weights HWC, per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.quantized import finish, out_struct


@register
class QDepthwiseConv2D(OpDef):
    """inputs x int8 [h, w, c], w int8 [k_h, k_w, c * times], rows int32 [c * times, 3]; output
    channel o reads input channel o // times."""

    kind = "q_depthwise_conv2d"
    from_flash = (1, 2)
    headers = ("kernels/depthwise_conv2d_s8.h", "kernels/depthwise_times_s8.h")
    summary = "DEPTHWISE_CONV_2D (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, w, rows = (graph.shape(name) for name in op.inputs)
        if len(x) != 3 or len(w) != 3 or w[2] % x[2] or w[:2] != op.attrs["kernel"]:
            raise BadInputError(f"layer {op.layer}: input {x} does not fit weights {w} (HWC)")
        if rows != (w[2], 3):
            raise BadInputError(f"layer {op.layer}: {w[2]} channels but {rows} scales")
        return (window.out_shape(op, x, w[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, w, rows = args
        assert x is not None and w is not None and rows is not None
        tiles = window.patches(op, x.astype(np.int64), fill=op.attrs["in_zeros"][0])
        tiles = np.repeat(tiles, w.shape[2] // x.shape[2], axis=2)
        centred = w.astype(np.int64) - op.attrs["w_zero"]
        return [finish(op, np.einsum("hwcij,ijc->hwc", tiles, centred), rows)]

    def macs(self, op: Op, graph: Graph) -> int:
        out_h, out_w, _ = graph.shape(op.outputs[0])
        return out_h * out_w * graph[op.inputs[1]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = window.struct(op, graph.shape(op.inputs[0]), graph.shape(op.outputs[0]))
        zeros = (op.attrs["in_zeros"][0], op.attrs["w_zero"])
        same = graph.shape(op.inputs[0])[2] == graph.shape(op.inputs[1])[2]
        function = "tl_depthwise_conv2d_s8" if same else "tl_depthwise_times_s8"
        return Call(function, (*refs, sizes, *zeros, out_struct(op, graph)))
