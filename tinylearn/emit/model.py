"""What every emitter of one model needs: its compiled program and its C names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from tinylearn.emit.names import unique_identifiers
from tinylearn.emit.sensors import Sensor
from tinylearn.ir.graph import Op, Tensor
from tinylearn.ops.base import definition
from tinylearn.pipeline import Compiled
from tinylearn.planner.plan import control_fields

_BUFFERS = ("velocity", "gradient_sum")


@dataclass(frozen=True)
class EmittedModel:
    """A compiled model under its C prefix. ``sensors``: those that give it its input on the device, where
    the project is to have code for them."""

    name: str
    compiled: Compiled
    source_name: str
    source_sha256: str
    version: str
    sensors: tuple[Sensor, ...] = ()

    @property
    def growable(self) -> bool:
        """Whether outputs can be added at run time."""
        return self.compiled.choices.max_classes > 0

    @property
    def observes(self) -> bool:
        """Whether running statistics take samples in."""
        return any(op.kind == "standardize" for op in self.compiled.program.forward)

    @cached_property
    def names(self) -> dict[str, str]:
        """C identifier of every tensor."""
        return unique_tensor_names(self.compiled)

    @property
    def ram_tensors(self) -> tuple[Tensor, ...]:
        """Tensors of the weights' byte range, in order."""
        return self.compiled.plan.in_ram()

    @property
    def flash_tensors(self) -> tuple[Tensor, ...]:
        """Frozen weights."""
        return self.compiled.plan.in_flash()

    @property
    def buffers(self) -> tuple[Tensor, ...]:
        """Momentum and accumulation buffers."""
        tensors = self.compiled.program.graph.tensors.values()
        return tuple(t for t in tensors if t.role in _BUFFERS)

    @property
    def control(self) -> tuple[str, ...]:
        """Scalars of the struct."""
        return control_fields(self.compiled.program, self.growable, self.compiled.plan.arena)

    @property
    def weights_bytes(self) -> int:
        """Length of the weights' byte range."""
        return self.compiled.plan.weights_bytes

    @property
    def inputs(self) -> int:
        """Elements of x."""
        return self.compiled.program.input.size

    @property
    def outputs(self) -> int:
        """Elements of y."""
        return self.compiled.program.result.size

    @property
    def input_dtype(self) -> str:
        """Of x."""
        return self.compiled.program.input.dtype

    @property
    def output_dtype(self) -> str:
        """Of y."""
        return self.compiled.program.result.dtype

    @property
    def arena_type(self) -> str:
        """C type of the arena's words: where no float lies in it, no float type appears."""
        graph, slots = self.compiled.program.graph, self.compiled.plan.slots
        floats = any(graph[name].dtype == "float32" for slot in slots for name in slot.names)
        return "float" if floats else "uint32_t"

    @property
    def headers(self) -> tuple[str, ...]:
        """Kernel headers that the program calls, sorted."""
        found = {h for op in self.compiled.program.sequence for h in definition(op.kind).headers}
        guards = {"kernels/guard_f32.h"}
        return tuple(sorted(found | (guards if self.compiled.program.learns else set())))

    @cached_property
    def hash(self) -> bytes:
        """16 bytes that identify architecture, loss and weight layout, but not values."""
        program = self.compiled.program
        layout = [[t.name, list(t.shape), t.role] for t in self.ram_tensors]
        frozen = [[t.name, list(t.shape), _sha256(t)] for t in self.flash_tensors]
        ops = [_described(op) for op in program.forward]
        text = json.dumps([ops, layout, frozen, self.compiled.loss, self.outputs], sort_keys=True)
        return hashlib.sha256(text.encode()).digest()[:16]


def _sha256(tensor: Tensor) -> str:
    assert tensor.data is not None
    return hashlib.sha256(
        tensor.data.astype(tensor.data.dtype.newbyteorder("<")).tobytes()
    ).hexdigest()


def _described(op: Op) -> list[object]:
    attrs = {k: list(v) if isinstance(v, tuple) else v for k, v in op.attrs.items()}
    return [op.kind, list(op.inputs), list(op.outputs), attrs]


def unique_tensor_names(compiled: Compiled) -> dict[str, str]:
    """C identifiers: stored tensors first, so that their names stay shortest."""
    tensors = list(compiled.program.graph.tensors.values())
    stored = [t.name for t in tensors if t.stored]
    computed = [t.name for t in tensors if not t.stored]
    return {**unique_identifiers(stored), **unique_identifiers(computed)}
