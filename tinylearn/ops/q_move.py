"""Padding, concatenation, nearest-neighbour resizing and transposition of int8 tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.base import Call, Env, OpDef, Ref, Shape, Struct, register

#: what the kernel's arguments have room for
MOST_PARTS = 4
MOST_AXES = 3


def _pad_value(op: Op) -> int:
    return int(op.attrs.get("value", op.attrs["out_zero"]))


@register
class QPad(OpDef):
    """inputs x int8 [h, w, c]; attrs pads (top, bottom, left, right), and value, or
    out_zero without it."""

    kind = "q_pad"
    headers = ("kernels/move_s8.h",)
    summary = "PAD, PADV2 (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, pads = graph.shape(op.inputs[0]), op.attrs["pads"]
        if len(x) != 3 or min(pads) < 0:
            raise BadInputError(f"layer {op.layer}: cannot pad {x} by {pads}")
        return ((x[0] + sum(pads[:2]), x[1] + sum(pads[2:]), x[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        top, bottom, left, right = op.attrs["pads"]
        pads = ((top, bottom), (left, right), (0, 0))
        return [np.pad(args[0], pads, constant_values=_pad_value(op))]

    def call(self, op: Op, graph: Graph) -> Call:
        names = ("in_h", "in_w", "in_c", "top", "bottom", "left", "right")
        sizes = (*graph.shape(op.inputs[0]), *op.attrs["pads"])
        struct = Struct("tl_padding_t", tuple(zip(names, sizes, strict=True)))
        return Call("tl_pad_s8", (Ref(op.outputs[0]), Ref(op.inputs[0]), struct, _pad_value(op)))


@register
class QConcat(OpDef):
    """inputs: any number of int8 tensors of one scale that differ in ``axis`` only."""

    kind = "q_concat"
    headers = ("kernels/move_s8.h",)
    summary = "CONCATENATION (int8)"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        shapes, axis = [graph.shape(name) for name in op.inputs], op.attrs["axis"]
        rest = {(s[:axis], s[axis + 1 :]) for s in shapes}
        if len(rest) != 1 or not 0 <= axis < len(shapes[0]):
            raise BadInputError(f"layer {op.layer}: cannot join {shapes} along axis {axis}")
        return ((*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        return [np.concatenate([a for a in args if a is not None], axis=op.attrs["axis"])]

    def call(self, op: Op, graph: Graph) -> Call:
        axis, out = op.attrs["axis"], graph.shape(op.outputs[0])
        outer, width = int(np.prod(out[:axis])), int(np.prod(out[axis:]))
        args: list[Ref | int] = [Ref(op.outputs[0]), outer, width, len(op.inputs)]
        for name in op.inputs:
            args += [Ref(name), int(np.prod(graph.shape(name)[axis:]))]
        if len(op.inputs) > MOST_PARTS:
            raise BadInputError(f"layer {op.layer}: joins more than {MOST_PARTS} tensors")
        args += [Ref(""), 0] * (MOST_PARTS - len(op.inputs))
        return Call("tl_concat_s8", tuple(args))


def _nearest(op: Op, size: int, out: int) -> Array:
    """The source index of each of ``out`` places (TFLite's GetNearestNeighbor)."""
    align, half = op.attrs["align_corners"], op.attrs["half_pixel_centers"]
    f32 = np.float32
    scale = f32(size - 1) / f32(out - 1) if align and out > 1 else f32(size) / f32(out)
    at = (np.arange(out, dtype=f32) + f32(0.5 if half else 0)) * scale
    index = np.floor(at + f32(0.5)) if align else np.floor(at)
    return np.asarray(np.minimum(index.astype(np.int64), size - 1))


@register
class ResizeNearest(OpDef):
    """inputs x [h, w, c], rows int32 [out_h], columns int32 [out_w]: source indices."""

    kind = "resize_nearest"
    headers = ("kernels/move_s8.h",)
    summary = "RESIZE_NEAREST_NEIGHBOR"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, (out_h, out_w) = graph.shape(op.inputs[0]), op.attrs["size"]
        if len(x) != 3 or min(out_h, out_w) < 1:
            raise BadInputError(f"layer {op.layer}: cannot resize {x} to {op.attrs['size']}")
        return ((out_h, out_w, x[2]),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        x, rows, columns = args
        assert x is not None and rows is not None and columns is not None
        return [x[rows.astype(int)][:, columns.astype(int)]]

    def call(self, op: Op, graph: Graph) -> Call:
        x, (out_h, out_w) = graph[op.inputs[0]], op.attrs["size"]
        pixel = x.shape[2] * np.dtype(x.dtype).itemsize
        refs = (Ref(op.outputs[0]), *(Ref(name) for name in op.inputs))
        return Call("tl_resize_nearest", (*refs, x.shape[1], out_h, out_w, pixel))


def resize_indices(op: Op, shape: Shape) -> tuple[Array, Array]:
    """The two index tables of a resize_nearest op for an input of ``shape``."""
    (out_h, out_w) = op.attrs["size"]
    rows, columns = _nearest(op, shape[0], out_h), _nearest(op, shape[1], out_w)
    return rows.astype(np.int32), columns.astype(np.int32)


@register
class Transpose(OpDef):
    """inputs x [up to 3 axes]; attrs perm."""

    kind = "transpose"
    headers = ("kernels/move_s8.h",)
    summary = "TRANSPOSE"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        x, perm = graph.shape(op.inputs[0]), op.attrs["perm"]
        if sorted(perm) != list(range(len(x))) or len(x) > MOST_AXES:
            raise BadInputError(f"layer {op.layer}: cannot transpose {x} by {perm}")
        return (tuple(x[p] for p in perm),)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        assert args[0] is not None
        return [np.ascontiguousarray(args[0].transpose(op.attrs["perm"]))]

    def call(self, op: Op, graph: Graph) -> Call:
        x, perm = graph[op.inputs[0]], op.attrs["perm"]
        steps = [int(np.prod(x.shape[p + 1 :])) for p in perm]
        sizes = [x.shape[p] for p in perm]
        missing = MOST_AXES - len(perm)
        sizes, steps = [1] * missing + sizes, [0] * missing + steps
        refs = (Ref(op.outputs[0]), Ref(op.inputs[0]))
        return Call("tl_transpose", (*refs, *sizes, *steps, np.dtype(x.dtype).itemsize))
