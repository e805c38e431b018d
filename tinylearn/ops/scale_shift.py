"""Per-channel scale and shift: a batch normalisation that could not be folded (frozen)."""

from __future__ import annotations

from collections.abc import Sequence

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import activation
from tinylearn.ops.base import (
    Call,
    Env,
    GradientBuilder,
    OpDef,
    Ref,
    Shape,
    activation_args,
    register,
    rows_of,
)  # fmt: skip
from tinylearn.ops.cases import case


@register
class ScaleShift(OpDef):
    """inputs x [..., c], scale [c], shift [c]."""

    kind = "scale_shift"
    headers = ("kernels/scale_shift_f32.h",)
    inplace = ((0, 0),)
    fuses_activation = True
    summary = "BatchNormalization (folded into the layer before where that is frozen)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, scale = graph.shape(op.inputs[0]), graph.shape(op.inputs[1])
        if x[-1:] != scale:
            raise BadInputError(f"layer {op.layer}: input {x} does not fit {scale} channels")
        return (x,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, scale, shift = args
        assert x is not None and scale is not None and shift is not None
        return [activation.apply(op, x * scale + shift)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        if g.wants(op.inputs[0]):
            d_y = activation.backward(op, g)
            g.add(op, (d_y, op.inputs[1]), (g.new(op.inputs[0]),), activation="linear")

    def macs(self, op: Op, graph: Graph) -> int:
        return graph[op.outputs[0]].size

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = rows_of(graph.shape(op.inputs[0]))
        return Call("tl_scale_shift_f32", (*refs, *sizes, *activation_args(op)))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (3, 2, 5), ((5,), (5,))), case(self.kind, (6,), ((6,), (6,)))]


@register
class ScaleShiftBackward(OpDef):
    """dx = dy * scale."""

    kind = "scale_shift_backward"
    headers = ("kernels/scale_shift_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        d_y, scale = args
        assert d_y is not None and scale is not None
        return [d_y * scale]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        sizes = rows_of(graph.shape(op.inputs[0]))
        return Call("tl_scale_shift_backward_f32", (*refs, *sizes))
