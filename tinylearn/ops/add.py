"""Element-wise sum of two tensors (residual connections), and the sum of gradients."""

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
)
from tinylearn.ops.cases import case


@register
class Add(OpDef):
    """y = f(a + b), both of one shape."""

    kind = "add"
    headers = ("kernels/add_f32.h",)
    inplace = ((0, 0), (0, 1))
    fuses_activation = True
    summary = "Add"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        a, b = (graph.shape(name) for name in op.inputs)
        if a != b:
            raise BadInputError(f"layer {op.layer}: cannot add {a} and {b}; shapes must be equal")
        return (a,)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        a, b = args
        assert a is not None and b is not None
        return [activation.apply(op, a + b)]

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        d_y = activation.backward(op, g)
        a, b = (g.wants(name) for name in op.inputs)
        if a and b:
            g.ops.append(Op("copy", f"{op.name}_copy", (d_y,), (g.new(op.inputs[1]),)))
        elif b:
            g.share(op.inputs[1], d_y)
        if a:
            g.share(op.inputs[0], d_y)

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_add_f32", (*refs, graph[op.outputs[0]].size, *activation_args(op)))

    def cases(self) -> list[Graph]:
        return [case(self.kind, (3, 2, 4), inputs=2)]


@register
class Accumulate(OpDef):
    """y = a + b in the place of a."""

    kind = "accumulate"
    headers = ("kernels/add_f32.h",)
    inplace = ((0, 0),)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        a, b = args
        assert a is not None and b is not None
        return [a + b]

    def call(self, op: Op, graph: Graph) -> Call:
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_add_f32", (*refs, graph[op.outputs[0]].size, *activation_args(op)))


@register
class Copy(OpDef):
    """y = x at another place."""

    kind = "copy"
    headers = ("kernels/sgd_f32.h",)

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [args[0].copy()]

    def call(self, op: Op, graph: Graph) -> Call:
        y, refs = graph[op.outputs[0]], (Ref(op.outputs[0]), Ref(op.inputs[0]))
        if y.dtype != "float32":
            return Call("memcpy", (*refs, y.bytes))
        return Call("tl_copy_f32", (*refs, y.size))
