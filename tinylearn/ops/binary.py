"""Sums, differences and products of two tensors, the second of which may repeat along the first.

The sum of two tensors of one shape is ops/add.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op, frozen_map
from tinylearn.ops import activation, broadcast
from tinylearn.ops.base import (
    Call,
    Env,
    GradientBuilder,
    Macro,
    OpDef,
    Ref,
    Shape,
    activation_args,
    register,
)
from tinylearn.ops.cases import case


class _Binary(OpDef):
    """inputs a of the result's shape, b of that shape or repeated along it."""

    headers = ("kernels/binary_f32.h",)
    inplace = ((0, 0),)
    fuses_activation = True
    #: what a and b are multiplied by; None: by each other
    signs: ClassVar[tuple[float, float] | None]
    how: ClassVar[str]

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        a, b = (graph.shape(name) for name in op.inputs)
        if broadcast.out_shape(a, b, f"layer {op.layer}") != a:
            raise BadInputError(f"layer {op.layer}: {a} would repeat along {b}")
        broadcast.struct(a, b, f"layer {op.layer}")
        return (a,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        a, b = args
        assert a is not None and b is not None
        z = a * b if self.signs is None else self.signs[0] * a + self.signs[1] * b
        return [activation.apply(op, z.astype(a.dtype))]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        d_y = activation.backward(op, g)
        for i, name in enumerate(op.inputs):
            if not g.wants(name):
                continue
            other = op.inputs[1 - i]
            reads = (d_y, other) if self.signs is None else (d_y,)
            attrs = {"in_shape": g.graph.shape(name), "other_shape": g.graph.shape(other),
                     "sign": 1.0 if self.signs is None else self.signs[i]}  # fmt: skip
            g.ops.append(Op("binary_backward", f"{op.name}_backward_{i}", reads, (g.new(name),),
                            frozen_map(attrs), (), op.layer))  # fmt: skip

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        a, b = (graph.shape(name) for name in op.inputs)
        sizes = broadcast.struct(a, b, f"layer {op.layer}")
        return Call("tl_binary_f32", (*refs, sizes, Macro(self.how), *activation_args(op)))

    def cases(self) -> list[Graph]:
        shapes: tuple[Shape, ...] = ((3, 2, 5), (3, 2, 1), (3, 1, 5), (2, 1), (5,), (1,), (1, 2, 1))
        return [case(self.kind, (3, 2, 5), inputs=2),
                *(case(self.kind, (3, 2, 5), (shape,)) for shape in shapes)]  # fmt: skip


@register
class AddBroadcast(_Binary):
    """y = f(a + b)."""

    kind = "add_broadcast"
    summary = "ADD of a smaller tensor"
    signs = (1.0, 1.0)
    how = "TL_ADD"


@register
class Subtract(_Binary):
    """y = f(a - b)."""

    kind = "subtract"
    summary = "Subtract, SUB"
    signs = (1.0, -1.0)
    how = "TL_SUBTRACT"


@register
class SubtractFrom(_Binary):
    """y = f(b - a)."""

    kind = "subtract_from"
    summary = "Subtract, SUB from a smaller tensor"
    signs = (-1.0, 1.0)
    how = "TL_SUBTRACT_FROM"


@register
class Multiply(_Binary):
    """y = f(a * b)."""

    kind = "multiply"
    summary = "Multiply, MUL"
    signs = None
    how = "TL_MULTIPLY"

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.outputs[0]].size


@register
class BinaryBackward(OpDef):
    """inputs dy and, of a product, the other factor; output dx of attrs in_shape."""

    kind = "binary_backward"
    headers = ("kernels/binary_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (op.attrs["in_shape"],)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y = args[0]
        assert d_y is not None
        factor = args[1] if len(args) > 1 else d_y.dtype.type(op.attrs["sign"])
        return [broadcast.summed(d_y * factor, op.attrs["in_shape"])]

    def call(self, op: Op, graph: Graph) -> Call:
        d_y, *other = op.inputs
        refs = (Ref(op.outputs[0]), Ref(d_y), Ref(other[0] if other else ""))
        x, b = op.attrs["in_shape"], op.attrs["other_shape"]
        sizes = broadcast.struct(x, b, f"layer {op.layer}")
        size = graph[op.outputs[0]].size
        return Call("tl_binary_backward_f32", (*refs, sizes, size, float(op.attrs["sign"])))
