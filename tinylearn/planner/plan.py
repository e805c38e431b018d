"""The memory plan of a program: where every tensor lies and what every byte is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinylearn.ir.graph import Program, Tensor
from tinylearn.planner.lifetimes import Buffer, lifetimes
from tinylearn.planner.packing import Item, lower_bound, pack, total

_ALIGN = 4


@dataclass(frozen=True)
class Slot:
    """A piece of the arena: ``bytes`` at ``offset``, alive from op ``first`` to op ``last``."""

    names: tuple[str, ...]
    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Result of planning. All sizes in bytes.

    ``ram`` says what each byte of the model's struct is for; its sum is the struct's size.
    ``flash_weights``: frozen weights, and the initial values of what the struct starts from.
    """

    program: Program
    slots: tuple[Slot, ...]
    arena: int
    arena_bound: int
    external: Mapping[str, str]
    ram: Mapping[str, int]
    flash_weights: int

    @property
    def ram_bytes(self) -> int:
        """Size of the model's struct."""
        return sum(self.ram.values())

    def offset(self, tensor: str) -> int:
        """Where a tensor lies in the arena, in bytes."""
        return next(s.offset for s in self.slots if tensor in s.names)

    def in_ram(self) -> tuple[Tensor, ...]:
        """Weights and statistics that live in the struct, in the order of the weights' bytes."""
        return tuple(t for t in self.program.graph.tensors.values() if lives_in_ram(t))

    @property
    def weights_bytes(self) -> int:
        """Size of the weights' byte range: what learns and the statistics, in whole words."""
        return _aligned(sum(t.bytes for t in self.in_ram()))

    def in_flash(self) -> tuple[Tensor, ...]:
        """Weights that never change."""
        tensors = self.program.graph.tensors.values()
        return tuple(t for t in tensors if t.role == "weight" and t.stored and not t.trainable)


def lives_in_ram(tensor: Tensor) -> bool:
    """Whether a stored tensor belongs to the weights' byte range."""
    return tensor.trainable or tensor.role == "statistic"


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _unique(buffers: Mapping[str, Buffer]) -> list[Buffer]:
    return list({id(b): b for b in buffers.values()}.values())


def _slots(buffers: list[Buffer]) -> tuple[tuple[Slot, ...], int, int]:
    items = [Item(b.bytes, b.first, b.last, _alignment(b.bytes)) for b in buffers]
    offsets = pack(items)
    slots = tuple(
        Slot(tuple(b.names), at, item.bytes, b.first, b.last)
        for b, at, item in zip(buffers, offsets, items, strict=True)
    )
    return slots, _aligned(total(items, offsets)), _aligned(lower_bound(items))


def _alignment(size: int) -> int:
    """Whole words begin at words, for loads of words; what is shorter fills gaps."""
    return min(_ALIGN, 1 << (size.bit_length() - 1))


def _sum(program: Program, role: str) -> int:
    tensors = program.graph.tensors.values()
    return sum(t.bytes for t in tensors if t.stored and t.role == role and role != "weight")


def _purposes(
    program: Program, slots: tuple[Slot, ...], arena: int, control: int
) -> dict[str, int]:
    """Bytes of the struct by purpose. The arena counts as activations up to what inference
    needs of it, the rest as gradients: the two share memory where their lives allow."""
    ends_forward = len(program.forward) + len(program.output)
    ends = (s.offset + s.bytes for s in slots if s.first < ends_forward)
    forward = _aligned(max(ends, default=0))
    trained = _aligned(sum(t.bytes for t in program.graph.tensors.values() if t.trainable))
    purposes = {
        "weights": trained,
        "statistics": _sum(program, "statistic"),
        "activations": forward,
        "gradients": arena - forward,
        "momentum": _sum(program, "velocity"),
        "accumulation": _sum(program, "gradient_sum"),
        "control": control,
    }
    return {purpose: size for purpose, size in purposes.items() if size}


def control_fields(program: Program, growable: bool, arena: int) -> tuple[str, ...]:
    """Four-byte scalars that the struct has beside its arrays (C has no empty struct)."""
    fields = ["learning_rate"] if program.learns else []
    fields += ["samples"] if program.apply else []
    fields += ["classes"] if growable else []
    return tuple(fields) if fields or arena else ("reserved",)


def plan(program: Program) -> Plan:
    """Plans a program's memory."""
    buffers = lifetimes(program)
    slots, arena, bound = _slots([b for b in _unique(buffers) if not b.external])
    growable = any(op.attrs.get("growable") for op in program.sequence)
    control = 4 * len(control_fields(program, growable, arena))
    flash = sum(
        t.bytes
        for t in program.graph.tensors.values()
        if t.stored and t.role in ("weight", "statistic")
    )
    return Plan(program, slots, arena, bound,
                {name: b.external for name, b in buffers.items() if b.external},
                _purposes(program, slots, arena, control), flash)  # fmt: skip
