"""The intermediate representation: immutable tensors, ops and graphs, always for one sample.

Shapes leave out the batch dimension. Activations are in HWC order, weights as the kernels
read them (see firmware/src/kernels/tl_shapes.h): dense [out, in], convolution OHWI,
depthwise HWC. A tensor with ``data`` is a weight, a constant or a running statistic; one
without is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinylearn.errors import BadInputError

if TYPE_CHECKING:
    from tinylearn.ir.quant import Quant

Role = Literal["activation", "gradient", "weight", "statistic", "velocity", "gradient_sum"]

Array = NDArray[Any]


def frozen_map(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy of a mapping."""
    return MappingProxyType(dict(values))


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value with a name. ``data`` (of ``dtype`` and ``shape``) makes it a stored one.

    ``quant``: what the integers of a quantized tensor stand for.
    """

    name: str
    shape: tuple[int, ...]
    role: Role = "activation"
    data: Array | None = None
    trainable: bool = False
    dtype: str = "float32"
    quant: Quant | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of storage."""
        return self.size * np.dtype(self.dtype).itemsize

    @property
    def stored(self) -> bool:
        """Whether the tensor lives from step to step (weights, statistics, buffers)."""
        return self.data is not None


@dataclass(frozen=True)
class Op:
    """One kernel call: reads ``inputs``, writes ``outputs``, changes ``updates`` in place.

    An absent optional input (a bias) is the empty string. ``layer`` is the layer of the
    source model that the op comes from.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=lambda: frozen_map({}))
    updates: tuple[str, ...] = ()
    layer: str = ""

    def with_attrs(self, **attrs: Any) -> Op:
        """The same op with some attributes changed."""
        return replace(self, attrs=frozen_map({**self.attrs, **attrs}))


@dataclass(frozen=True)
class Graph:
    """A network: ops in an order in which they can run."""

    name: str
    tensors: Mapping[str, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self.tensors[name]
        except KeyError:
            raise BadInputError(f"graph {self.name}: no tensor named {name!r}") from None

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without batch."""
        return self[name].shape

    def producer(self, tensor: str) -> Op | None:
        """The op that computes a tensor, or None for inputs and stored tensors."""
        return next((op for op in self.ops if tensor in op.outputs), None)

    def consumers(self, tensor: str) -> tuple[Op, ...]:
        """The ops that read a tensor, in order."""
        return tuple(op for op in self.ops if tensor in op.inputs)

    def op(self, name: str) -> Op:
        """The op of a name."""
        found = next((op for op in self.ops if op.name == name), None)
        if found is None:
            raise BadInputError(f"graph {self.name}: no op named {name!r}")
        return found

    def with_tensors(self, tensors: Iterable[Tensor]) -> Graph:
        """The same graph with tensors added or replaced by name."""
        added = {tensor.name: tensor for tensor in tensors}
        return replace(self, tensors=frozen_map({**self.tensors, **added}))

    def with_ops(self, ops: Iterable[Op]) -> Graph:
        """The same tensors under other ops; tensors that no op or output names are dropped."""
        kept = tuple(ops)
        used = {*self.inputs, *self.outputs}
        for op in kept:
            used.update(op.inputs, op.outputs, op.updates)
        tensors = {name: t for name, t in self.tensors.items() if name in used}
        return replace(self, ops=kept, tensors=frozen_map(tensors))


@dataclass(frozen=True)
class Program:
    """A graph cut into the parts that generated code runs.

    ``predict`` runs forward and output; ``learn`` runs forward, loss and backward, and every
    ``apply_every`` samples also apply. A frozen model has a forward part only.
    """

    graph: Graph
    forward: tuple[Op, ...]
    output: tuple[Op, ...] = ()
    loss: Op | None = None
    backward: tuple[Op, ...] = ()
    apply: tuple[Op, ...] = ()
    apply_every: int = 1
    #: tensors checked for NaN and infinity before each step: what the first learning layers read
    guarded: tuple[str, ...] = ()
    weight_decay: float = 0.0
    #: "float32", or "int8" for learning in integers
    arithmetic: str = "float32"

    @property
    def sequence(self) -> tuple[Op, ...]:
        """All ops in the order in which they can ever run."""
        loss = () if self.loss is None else (self.loss,)
        return (*self.forward, *self.output, *loss, *self.backward, *self.apply)

    @property
    def learns(self) -> bool:
        """Whether there is anything to learn."""
        return self.loss is not None

    @property
    def has_velocity(self) -> bool:
        """Whether the optimiser keeps a velocity."""
        return any(t.role == "velocity" for t in self.graph.tensors.values())

    @property
    def input(self) -> Tensor:
        """The one input."""
        return self.graph[self.graph.inputs[0]]

    @property
    def result(self) -> Tensor:
        """The one output, as predict() writes it."""
        return self.graph[self.graph.outputs[0]]
