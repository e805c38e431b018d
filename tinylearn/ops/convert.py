"""Between float32 and the integers of quantized tensors, and between int8 and uint8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, GradientBuilder, OpDef, Ref, Shape, register


class _Elementwise(OpDef):
    headers = ("kernels/convert_s8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def _refs(self, op: Op) -> tuple[Ref, Ref]:
        return Ref(op.outputs[0]), Ref(op.inputs[0])


@register
class Quantize(_Elementwise):
    """x float32 -> int8: x / scale, halves away from zero, plus the zero point."""

    kind = "quantize"
    summary = "QUANTIZE of float32"

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        ratio = args[0].astype(np.float32) / np.float32(op.attrs["out_scale"])
        whole = np.sign(ratio) * np.floor(np.abs(ratio.astype(np.float64)) + 0.5)
        return [np.clip(whole + op.attrs["out_zero"], -128, 127).astype(np.int8)]

    def call(self, op: Op, graph: Graph) -> Call:
        scale = (float(op.attrs["out_scale"]), op.attrs["out_zero"])
        return Call("tl_quantize_s8", (*self._refs(op), graph[op.inputs[0]].size, *scale))


@register
class Dequantize(_Elementwise):
    """x int8 -> float32: scale * (x - zero point)."""

    kind = "dequantize"
    summary = "DEQUANTIZE"

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        centred = args[0].astype(np.float32) - np.float32(op.attrs["in_zeros"][0])
        return [np.float32(op.attrs["in_scales"][0]) * centred]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        """None: what stands before it is frozen."""

    def call(self, op: Op, graph: Graph) -> Call:
        scale = (float(op.attrs["in_scales"][0]), op.attrs["in_zeros"][0])
        return Call("tl_dequantize_s8", (*self._refs(op), graph[op.inputs[0]].size, *scale))


@register
class FlipSign(_Elementwise):
    """uint8 <-> int8: the same number under a zero point moved by 128."""

    kind = "flip_sign"

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        other = np.int8 if args[0].dtype == np.uint8 else np.uint8
        return [(args[0].view(np.uint8) ^ np.uint8(128)).view(other)]

    def call(self, op: Op, graph: Graph) -> Call:
        return Call("tl_flip_sign_s8", (*self._refs(op), graph[op.inputs[0]].size))
