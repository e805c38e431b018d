"""Puts a graph together: stored tensors and ops are added, shapes follow from the ops' rules.

Keras' one-dimensional layers run as images of height 1. A ``Value`` keeps Keras' shape beside
its tensor, so that a chain of such layers needs no reshape between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.importers.fields import MAX_ELEMENTS
from tinylearn.ir.graph import Array, Graph, Op, Tensor, frozen_map
from tinylearn.ir.quant import Quant
from tinylearn.ops.base import Shape, definition

#: far beyond what a microcontroller runs; keeps hostile files from keeping the passes busy
MAX_OPS = 5000


@dataclass(frozen=True)
class Value:
    """What a Keras layer returns: its shape without batch, and the tensor that holds it.

    The tensor's shape is ``shape`` or, for (n, c), possibly (1, n, c).
    """

    tensor: str
    shape: Shape


class GraphBuilder:
    """Collects tensors and ops in the order in which they run."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self._stored = 0

    def shape(self, tensor: str) -> Shape:
        """Shape of a tensor."""
        return self.tensors[tensor].shape

    def input(
        self, name: str, shape: Shape, dtype: str = "float32", quant: Quant | None = None
    ) -> Value:
        """A new input."""
        return Value(self._add(Tensor(name, shape, dtype=dtype, quant=quant)), shape)

    def weight(self, name: str, data: Array) -> str:
        """A new stored tensor; values are made float32 and must be finite."""
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(data, dtype=np.float32)
        if not np.isfinite(values).all():
            raise BadInputError(f"tensor {name}: its values do not fit into float32")
        self._count(name, values.size)
        return self._stored_tensor(name, values, None)

    def integers(self, name: str, data: Array, quant: Quant | None = None) -> str:
        """A new stored tensor of int8 or int32, under a name that is still free."""
        self._count(name, data.size)
        return self._stored_tensor(self._free(name), np.ascontiguousarray(data), quant)

    def _count(self, name: str, size: int) -> None:
        """Bounds all stored values together: tensors of a file may share their bytes."""
        self._stored += size
        if self._stored > MAX_ELEMENTS:
            raise BadInputError(
                f"tensor {name}: the model has more than {MAX_ELEMENTS} weights; "
                "no microcontroller holds it"
            )

    def _stored_tensor(self, name: str, values: Array, quant: Quant | None) -> str:
        values.setflags(write=False)
        dtype = str(values.dtype)
        return self._add(Tensor(name, values.shape, "weight", values, dtype=dtype, quant=quant))

    def op(
        self, kind: str, name: str, inputs: Sequence[str], layer: str, attrs: dict[str, Any],
        dtype: str = "float32", quant: Quant | None = None,
    ) -> str:  # fmt: skip
        """A new op with one output, which has the op's name; returns that name."""
        name = self._free(name)
        op = Op(kind, name, tuple(inputs), (name,), frozen_map(attrs), (), layer)
        (shape,) = definition(kind).shapes(op, Graph("import", self.tensors, (), (), ()))
        if math.prod(shape) > MAX_ELEMENTS:
            raise BadInputError(f"layer {layer}: its output {shape} is too large")
        if len(self.ops) == MAX_OPS:
            raise BadInputError(f"layer {layer}: the model has more than {MAX_OPS} operations")
        self.ops.append(op)
        return self._add(Tensor(name, shape, dtype=dtype, quant=quant))

    def reshaped(self, tensor: str, shape: Shape, name: str, layer: str) -> str:
        """The tensor in another shape: itself where it has that shape already."""
        if self.shape(tensor) == shape:
            return tensor
        source = self.tensors[tensor]
        attrs = {"shape": shape}
        return self.op("reshape", name, (tensor,), layer, attrs, source.dtype, source.quant)

    def graph(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The finished graph."""
        return Graph(name, frozen_map(self.tensors), tuple(self.ops), tuple(inputs), tuple(outputs))

    def _add(self, tensor: Tensor) -> str:
        if tensor.name in self.tensors:
            raise BadInputError(f"two tensors are named {tensor.name}; rename a layer")
        self.tensors[tensor.name] = tensor
        return tensor.name

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self.tensors:
            number += 1
            free = f"{name}_{number}"
        return free
