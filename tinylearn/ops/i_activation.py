"""From an integer layer's sums to the int8 values that the next layer reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import block_shift, exponent_array, shifted, sigmoid_q15
from tinylearn.ops.base import Call, Env, Macro, OpDef, Ref, Shape, register

#: activations that have an integer form
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")
_BITS = 7


@register
class IntegerActivation(OpDef):
    """inputs z int16 and its exponent; outputs y int8 and its exponent."""

    kind = "i_activation"
    headers = ("kernels/activation_i8.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), (1,))

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        z, z_exp = args
        assert z is not None and z_exp is not None
        activation, exponent = op.attrs["activation"], int(z_exp[0])
        if activation in ("tanh", "sigmoid"):
            return [self._squashed(z, exponent, activation == "tanh"), exponent_array(-7)]
        v = np.maximum(z, 0) if activation == "relu" else z
        right = block_shift(v, _BITS)
        q = np.clip(shifted(v, -right) if right else v, -127, 127)
        return [q.astype(np.int8), exponent_array(exponent + right)]

    @staticmethod
    def _squashed(z: Array, exponent: int, is_tanh: bool) -> Array:
        p = sigmoid_q15(shifted(z, exponent + 8 + is_tanh))
        return np.clip(shifted(2 * p - 32768 if is_tanh else p, -8), -127, 127).astype(np.int8)

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        activation = Macro(f"TL_{op.attrs['activation'].upper()}")
        return Call("tl_activation_i8", (*refs, graph[op.inputs[0]].size, activation))
