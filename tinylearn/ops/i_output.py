"""From an integer network's last sums to the float32 outputs that a caller reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import pow2, shifted, sigmoid_q15, softmax_q15
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register

_Q15 = np.float32(1 / 32768)


class _Output(OpDef):
    """inputs z int16 and its exponent; output y float32."""

    headers = ("kernels/output_i8.h",)
    function: str

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.outputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        z, z_exp = args
        assert z is not None and z_exp is not None
        return [self.value(z.ravel().astype(np.int64), int(z_exp[0])).reshape(op.attrs["shape"])]

    def value(self, z: Array, z_exp: int) -> Array:
        """float32 outputs of sums."""
        raise NotImplementedError

    def call(self, op: Op, graph: Graph) -> Call:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        return Call(self.function, (*refs, graph[op.inputs[0]].size))


@register
class IntegerSoftmax(_Output):
    """y = softmax(z)."""

    kind = "i_softmax"
    function = "tl_softmax_i8"

    def value(self, z: Array, z_exp: int) -> Array:
        return softmax_q15(z, z_exp)[0].astype(np.float32) * _Q15


@register
class IntegerSigmoid(_Output):
    """y = sigmoid(z)."""

    kind = "i_sigmoid"
    function = "tl_sigmoid_i8"

    def value(self, z: Array, z_exp: int) -> Array:
        return sigmoid_q15(shifted(z, z_exp + 8)).astype(np.float32) * _Q15


@register
class IntegerReal(_Output):
    """y = z as floats."""

    kind = "i_real"
    function = "tl_real_i8"

    def value(self, z: Array, z_exp: int) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(z.astype(np.float32) * pow2(z_exp))
