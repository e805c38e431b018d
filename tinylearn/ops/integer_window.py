"""Windows over int8 values, for the ops of learning in integers. Attribute ``in_shape`` is what
the layer reads its input as, (h, w, c), whatever the shape of the tensor that holds it."""

from __future__ import annotations

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops import window
from tinylearn.ops.base import Shape, Struct


def in_shape(op: Op) -> Shape:
    """(h, w, c) of what the op's windows go over."""
    shape: Shape = op.attrs["in_shape"]
    return shape


def patches(op: Op, x: Array, zero: int = 0) -> Array:
    """All windows of x - zero as int64 (out_h, out_w, c, k_h, k_w), padded with 0."""
    return window.patches(op, x.reshape(in_shape(op)).astype(np.int64) - zero)


def sizes(op: Op, channels: int) -> Struct:
    """The tl_window_t literal of an op with so many output channels."""
    return window.struct(op, in_shape(op), window.out_shape(op, in_shape(op), channels))


def check(op: Op, graph: Graph, channels: int) -> None:
    """Raises BadInputError where the op's input is not what its windows go over."""
    if graph[op.inputs[0]].size != np.prod(in_shape(op)) or in_shape(op)[2] != channels:
        raise BadInputError(
            f"layer {op.layer}: input {graph.shape(op.inputs[0])} is not {in_shape(op)} "
            f"with {channels} channels"
        )
