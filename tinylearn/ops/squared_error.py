"""Mean squared difference of two tensors as one feature.

TinyOL (Ren, Anicic, Runkler 2021) feeds an autoencoder's reconstruction error to the layer
that learns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register
from tinylearn.ops.cases import case


@register
class SquaredError(OpDef):
    """y[1] = mean((a - b)^2)."""

    kind = "squared_error"
    headers = ("kernels/squared_error_f32.h",)
    summary = "(added by --reconstruction-error)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        a, b = (graph[name] for name in op.inputs)
        if a.size != b.size:
            raise BadInputError(f"op {op.name}: {a.name} {a.shape} and {b.name} {b.shape} differ")
        return ((1,),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        a, b = args
        assert a is not None and b is not None
        return [np.mean((a.ravel() - b.ravel()) ** 2).reshape(1)]

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.inputs[0]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_squared_error_f32", (*refs, graph[op.inputs[0]].size))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (5,), inputs=2)]
