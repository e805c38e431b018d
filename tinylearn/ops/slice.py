"""A part of a tensor of any type: along each axis from one place on, every so many places."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, register

MOST_AXES = 3


@register
class Slice(OpDef):
    """inputs x [up to 3 axes]; attrs begin, size and step of each axis."""

    kind = "slice"
    headers = ("kernels/move_s8.h",)
    summary = "STRIDED_SLICE, SLICE, GATHER of one place"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, size = graph.shape(op.inputs[0]), tuple(op.attrs["size"])
        ends = (op.attrs["begin"], size, op.attrs["step"])
        fits = len(x) <= MOST_AXES and all(len(values) == len(x) for values in ends)
        axes = zip(x, *ends, strict=True) if fits else ()
        if not fits or not all(
            b >= 0 and n > 0 and s > 0 and b + (n - 1) * s < whole for whole, b, n, s in axes
        ):
            raise BadInputError(f"layer {op.layer}: no part {ends} of {x}")
        return (size,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        ends = zip(op.attrs["begin"], op.attrs["size"], op.attrs["step"], strict=True)
        part = tuple(slice(b, b + (n - 1) * s + 1, s) for b, n, s in ends)
        return [np.ascontiguousarray(args[0][part])]

    def call(self, op: Op, graph: Graph) -> Call:
        x = graph[op.inputs[0]]
        apart = [math.prod(x.shape[i + 1 :]) for i in range(len(x.shape))]
        first = sum(b * n for b, n in zip(op.attrs["begin"], apart, strict=True))
        steps = [s * n for s, n in zip(op.attrs["step"], apart, strict=True)]
        missing = MOST_AXES - len(apart)
        sizes, steps = [1] * missing + list(op.attrs["size"]), [0] * missing + steps
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_slice", (*refs, first, *sizes, *steps, np.dtype(x.dtype).itemsize))
