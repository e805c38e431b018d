"""Addition, subtraction and multiplication of int8 tensors of different scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.quant import quantize_multiplier, requantize
from tinylearn.ops import broadcast
from tinylearn.ops.base import Arg, Call, Env, OpDef, Ref, Shape, Struct, register
from tinylearn.ops.quantized import clamped

_LEFT_SHIFT = 20


def _rescaled(values: Array, ratio: float) -> Array:
    multiplier, shift = quantize_multiplier(ratio)
    return requantize(values, multiplier, shift, "double")


def repeats(a: Shape, b: Shape) -> bool:
    """Whether b has a's shape, or that of its last axes."""
    return b == (1,) or a[len(a) - len(b) :] == b


class _Binary(OpDef):
    """inputs a int8, b int8; either may repeat along the other."""

    headers = ("kernels/arithmetic_s8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        a, b = (graph.shape(name) for name in op.inputs)
        self._multipliers(op)  # an impossible ratio of scales is found before any code is made
        out = broadcast.out_shape(a, b, f"layer {op.layer}")
        broadcast.struct(a, b, f"layer {op.layer}")
        return (out,)

    def _multipliers(self, op: Op) -> list[tuple[int, int]]:
        raise NotImplementedError

    def _ratios(self, op: Op) -> tuple[float, float, float]:
        """What a, b and the result are multiplied by."""
        (a, b), out = op.attrs["in_scales"], op.attrs["out_scale"]
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice / ((1 << _LEFT_SHIFT) * out)

    def _centred(self, op: Op, args: Sequence[Array | None]) -> tuple[Array, Array]:
        a, b = args
        assert a is not None and b is not None
        zeros = op.attrs["in_zeros"]
        return a.astype(np.int64) - zeros[0], b.astype(np.int64) - zeros[1]

    def _limits(self, op: Op) -> tuple[tuple[str, int], ...]:
        zeros = op.attrs["in_zeros"]
        return (("a_zero", zeros[0]), ("b_zero", zeros[1]), ("zero", op.attrs["out_zero"]),
                ("min", op.attrs["out_min"]), ("max", op.attrs["out_max"]))  # fmt: skip

    def _call(self, what: str, op: Op, graph: Graph, fields: tuple[tuple[str, int], ...]) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        a, b = (graph.shape(name) for name in op.inputs)
        scales = Struct(f"tl_{what}_s8_t", (*self._limits(op), *fields))
        if repeats(a, b):
            sizes: tuple[Arg, ...] = tuple(graph[name].size for name in op.inputs)
            return Call(f"tl_{what}_s8", (*refs, *sizes, scales))
        sizes = (broadcast.struct(a, b, f"layer {op.layer}"),)
        return Call(f"tl_{what}_broadcast_s8", (*refs, *sizes, scales))


class _Sum(_Binary):
    sign = 1

    def _multipliers(self, op: Op) -> list[tuple[int, int]]:
        return [quantize_multiplier(ratio) for ratio in self._ratios(op)]

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        ratios, (a, b) = self._ratios(op), self._centred(op, args)
        a, b = _rescaled(a << _LEFT_SHIFT, ratios[0]), _rescaled(b << _LEFT_SHIFT, ratios[1])
        total = _rescaled(a + self.sign * b, ratios[2])
        return [clamped(op, total + op.attrs["out_zero"])]

    def call(self, op: Op, graph: Graph) -> Call:
        fields: list[tuple[str, int]] = [("sign", self.sign)]
        for name, (multiplier, shift) in zip("aby", self._multipliers(op), strict=True):
            fields += [(f"{name}_multiplier", multiplier), (f"{name}_shift", shift)]
        return self._call("add", op, graph, tuple(fields))


@register
class QAdd(_Sum):
    """a + b."""

    kind = "q_add"
    summary = "ADD (int8)"


@register
class QSub(_Sum):
    """a - b."""

    kind = "q_sub"
    sign = -1
    summary = "SUB (int8)"


@register
class QMul(_Binary):
    """a * b."""

    kind = "q_mul"
    summary = "MUL (int8)"

    def _multipliers(self, op: Op) -> list[tuple[int, int]]:
        return [quantize_multiplier(self._ratio(op))]

    def _ratio(self, op: Op) -> float:
        a, b, out = (np.float32(s) for s in (*op.attrs["in_scales"], op.attrs["out_scale"]))
        return float(a * b / out)  # in float32, as TFLite's MulPrepare

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        a, b = self._centred(op, args)
        return [clamped(op, _rescaled(a * b, self._ratio(op)) + op.attrs["out_zero"])]

    def call(self, op: Op, graph: Graph) -> Call:
        ((multiplier, shift),) = self._multipliers(op)
        fields = (("multiplier", multiplier), ("shift", shift))
        return self._call("mul", op, graph, fields)
