"""float32 inputs as a block of int8, for learning in integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register

_LEAST_FIELD = 6


@register
class IntegerInput(OpDef):
    """input x float32; outputs q int8 of x's size and its exponent int8 [1]."""

    kind = "i_input"
    headers = ("kernels/input_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), (1,))

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        bits = args[0].astype(np.float32).view(np.uint32).astype(np.int64)
        field = (bits >> 23) & 255
        largest = max(int(field.max()), _LEAST_FIELD)
        right = np.clip(17 + largest - field, 1, 25)
        size = ((bits & 0x7FFFFF | 0x800000) + (1 << (right - 1))) >> right
        size = np.where((field == 0) | (17 + largest - field > 24), 0, np.minimum(size, 127))
        q = np.where(bits >> 31, -size, size).astype(np.int8)
        return [q, np.array([largest - 133], np.int8)]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        return Call("tl_input_i8", (*refs, graph[op.inputs[0]].size))
