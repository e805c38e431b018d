"""What every op tells the rest of the toolchain, and how an op is found by its kind.

An op is one file in this folder: shape rule, NumPy reference, gradient, cost, the kernel it
calls and cases for tests. The reference works in the dtype of its inputs, so the same code
is the float64 oracle.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array, Graph, Op, Tensor, frozen_map

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Ref:
    """A kernel argument: the address of a tensor ("" is NULL)."""

    tensor: str


@dataclass(frozen=True)
class Symbol:
    """A kernel argument that the generated function has under a name of its own.

    ``step``: what a gradient is multiplied by; ``minus_rate``: the negative learning rate;
    ``keep``: 1 - rate * weight decay; ``target``, ``label``; ``classes``: outputs in use;
    ``observing``: whether running statistics take the sample in.
    """

    name: str


@dataclass(frozen=True)
class Macro:
    """A kernel argument that is a constant of the kernel headers, such as TL_RELU."""

    name: str


@dataclass(frozen=True)
class Struct:
    """A kernel argument that is a compound literal of sizes."""

    type: str
    fields: tuple[tuple[str, int | Macro], ...]


Arg = Ref | Symbol | Macro | Struct | int | float


@dataclass(frozen=True)
class Call:
    """One call of one kernel."""

    function: str
    args: tuple[Arg, ...]


@dataclass
class Env:
    """What a step has besides its tensors. ``classes``: outputs in use, None for all."""

    step: float = 0.0
    minus_rate: float = 0.0
    keep: float = 1.0
    target: Array | None = None
    classes: int | None = None
    observing: bool = False
    loss: float = float("nan")


@dataclass
class GradientBuilder:
    """Collects the backward ops of one graph while it is walked from its loss to its input."""

    graph: Graph
    wanted: frozenset[str]
    skip_zero_deltas: bool = True
    update_of: Mapping[str, str] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    pending: dict[str, list[str]] = field(default_factory=dict)

    def wants(self, tensor: str) -> bool:
        """Whether the gradient of the loss by a tensor is needed."""
        return tensor in self.wanted

    def updated(self, weight: str) -> str:
        """What the gradient of a weight is added to; "" where it is frozen."""
        return self.update_of.get(weight, "") if weight else ""

    def new(self, tensor: str) -> str:
        """Name of a new tensor that holds (a part of) the gradient by ``tensor``."""
        parts = self.pending.setdefault(tensor, [])
        name = f"d:{tensor}" + (f":{len(parts)}" if parts else "")
        self.tensors[name] = Tensor(name, self.graph.shape(tensor), role="gradient")
        parts.append(name)
        return name

    def derived(self, gradient: str, suffix: str) -> str:
        """Name of a new gradient tensor of the shape of an existing one."""
        name = f"{gradient}:{suffix}"
        self.tensors[name] = Tensor(name, self.tensors[gradient].shape, role="gradient")
        return name

    def share(self, tensor: str, gradient: str) -> None:
        """Let an existing gradient tensor of the same values stand for that of ``tensor``."""
        if self.wants(tensor):
            out = self.new(tensor)
            shape = frozen_map({"shape": self.graph.shape(tensor)})
            self.ops.append(Op("alias", f"{out}_alias", (gradient,), (out,), shape))

    def gradient(self, tensor: str) -> str:
        """The gradient by a tensor, summed over all its consumers."""
        parts = self.pending[tensor]
        total = parts[0]
        for i, part in enumerate(parts[1:]):
            name = f"sum:{tensor}:{i}"
            self.tensors[name] = Tensor(name, self.graph.shape(tensor), role="gradient")
            self.ops.append(Op("accumulate", name, (total, part), (name,)))
            total = name
        self.pending[tensor] = [total]
        return total

    def skips(self, gradient: str) -> bool:
        """Whether it pays to look for zeros in a gradient: one that passed a ReLU or a maximum."""
        return self.skip_zero_deltas and self._has_zeros(gradient)

    def _has_zeros(self, gradient: str) -> bool:
        op = next((op for op in self.ops if gradient in op.outputs), None)
        if op is None:
            return False
        if op.kind == "activation_backward" and op.attrs["activation"] in ("relu", "relu6"):
            return True
        keeps = ("alias", "copy", "activation_backward", "scale_shift_backward")
        return op.kind == "max_pool_backward" or (
            op.kind in keeps and self._has_zeros(op.inputs[0])
        )

    def add(
        self,
        op: Op,
        inputs: Sequence[str],
        outputs: Sequence[str],
        updates: Sequence[str] = (),
        **attrs: Any,
    ) -> None:
        """Append the backward op of ``op``."""
        kind = f"{op.kind}_backward"
        merged = {**op.attrs, **attrs}
        self.ops.append(
            Op(kind, f"{op.name}_backward", tuple(inputs), tuple(outputs), frozen_map(merged),
               tuple(u for u in updates if u), op.layer)
        )  # fmt: skip


class OpDef:
    """Base of all op definitions. Subclasses set ``kind`` and override what applies."""

    kind: ClassVar[str]
    #: kernel headers, below firmware/src
    headers: ClassVar[tuple[str, ...]] = ()
    #: (output, input) index pairs that may share memory when the input dies here
    inplace: ClassVar[tuple[tuple[int, int], ...]] = ()
    #: the output is the input's bytes under another shape: no code, no memory
    alias: ClassVar[bool] = False
    #: can take an activation into its own kernel
    fuses_activation: ClassVar[bool] = False
    #: positions of trainable weights among the inputs
    weights: ClassVar[tuple[int, ...]] = ()
    #: positions of constant inputs that the kernel reads from flash (TL_FLASH)
    from_flash: ClassVar[tuple[int, ...]] = ()
    #: one line for people: what of a Keras model becomes this op ("" for internal ops)
    summary: ClassVar[str] = ""

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        """Shapes of the outputs; raises BadInputError where inputs do not go together."""
        raise NotImplementedError

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        """Values of the outputs, then the new values of the updates."""
        raise NotImplementedError

    def gradient(self, op: Op, g: GradientBuilder) -> None:
        """Add backward ops for ``op`` to ``g``."""
        raise UnsupportedError(
            f"op {op.name}: {op.kind} cannot pass a gradient; learn fewer layers"
        )

    def macs(self, op: Op, graph: Graph) -> int:
        """Multiply-accumulates of one run."""
        return 0

    def call(self, op: Op, graph: Graph) -> Call | None:
        """The kernel call; None where no code is needed."""
        raise NotImplementedError

    def cases(self) -> list[Graph]:
        """Small graphs that exercise the op; tests run every one of them."""
        return []


_REGISTRY: dict[str, OpDef] = {}


def register(definition: type[OpDef]) -> type[OpDef]:
    """Class decorator: make an op known under its kind."""
    if definition.kind in _REGISTRY:
        raise ValueError(f"op {definition.kind} is defined twice")
    _REGISTRY[definition.kind] = definition()
    return definition


def _load() -> None:
    package = importlib.import_module("tinylearn.ops")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"tinylearn.ops.{module}")


def definition(kind: str) -> OpDef:
    """The definition of an op kind."""
    if not _REGISTRY or kind not in _REGISTRY:
        _load()
    if kind not in _REGISTRY:
        raise UnsupportedError(
            f"op kind {kind!r} is unknown; known: {', '.join(sorted(_REGISTRY))}"
        )
    return _REGISTRY[kind]


def all_definitions() -> list[OpDef]:
    """Every op definition, sorted by kind."""
    _load()
    return [_REGISTRY[kind] for kind in sorted(_REGISTRY)]


def activation_args(op: Op) -> tuple[Arg, Arg]:
    """The two trailing kernel arguments of an op that can apply an activation."""
    name = str(op.attrs.get("activation", "linear"))
    return Macro(f"TL_{name.upper()}"), float(op.attrs.get("alpha", 0.0))


def rows_of(shape: Shape) -> tuple[int, int]:
    """A shape as (rows, last axis)."""
    return int(np.prod(shape[:-1], dtype=np.int64)), shape[-1]
