"""When each buffer is alive, and which tensors can be one buffer.

Pure functions over a program's ops in the order in which they can run: forward, output,
loss, backward, apply.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tinylearn.ir.graph import Op, Program
from tinylearn.ops.base import definition

#: ops whose output must be their input's bytes, with work in between
_MUST_SHARE = {"concat_part": 1}


@dataclass
class Buffer:
    """Tensors that share one piece of memory, alive from op ``first`` to op ``last``."""

    names: list[str]
    bytes: int
    first: int
    last: int
    #: the caller's "input" or "output", or "stored"; "" where the arena holds it
    external: str = ""


@dataclass
class _Builder:
    program: Program
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def last_use(self) -> dict[str, int]:
        """Index of the last op that reads or writes each tensor."""
        last: dict[str, int] = {}
        for i, op in enumerate(self.program.sequence):
            for name in (*op.inputs, *op.outputs, *op.updates):
                last[name] = i
        check = len(self.program.forward) + len(self.program.output)
        for name in self.program.guarded:
            last[name] = max(last.get(name, 0), check)
        return last

    def place(self, name: str, first: int, last: int) -> None:
        tensor = self.program.graph[name]
        self.buffers[name] = Buffer([name], tensor.bytes, first, last, self._external(name))

    def _external(self, name: str) -> str:
        if name == self.program.input.name:
            return "input"
        if name == self.program.result.name:
            return "output"
        return "stored" if self.program.graph[name].stored else ""

    def merge(self, name: str, into: str) -> None:
        """Lets ``name`` live in the buffer of ``into``."""
        joined, new = self.buffers[into], self.buffers[name]
        joined.names += new.names
        joined.last = max(joined.last, new.last)
        joined.bytes = max(joined.bytes, new.bytes)
        joined.external = joined.external or new.external
        for member in new.names:
            self.buffers[member] = joined


def _can_take_over(builder: _Builder, op: Op, at: int, source: str, output: str) -> bool:
    """Whether ``output`` may overwrite ``source``, whose whole buffer dies at this op."""
    if builder.program.graph[source].stored:
        return False
    buffer, out = builder.buffers[source], builder.buffers[output]
    if buffer.external or buffer.last > at or out.bytes > buffer.bytes:
        return False
    if out.external == "output" and any(n in builder.program.guarded for n in buffer.names):
        return False
    return sum(builder.buffers.get(n) is buffer for n in op.inputs) == 1


def _share(builder: _Builder, op: Op, at: int) -> None:
    rule = definition(op.kind)
    must = _MUST_SHARE.get(op.kind)
    if rule.alias:
        builder.merge(op.outputs[0], op.inputs[0])
    elif must is not None and len(op.inputs) > must:
        builder.merge(op.outputs[0], op.inputs[must])
    else:
        for output, source in rule.inplace:
            usable = output < len(op.outputs) and source < len(op.inputs) and op.inputs[source]
            if usable and _can_take_over(builder, op, at, op.inputs[source], op.outputs[output]):
                builder.merge(op.outputs[output], op.inputs[source])
                return


def lifetimes(program: Program) -> dict[str, Buffer]:
    """The buffer of every tensor that is not stored; tensors in one buffer share the object."""
    builder = _Builder(program)
    last = builder.last_use()
    builder.place(program.input.name, -1, last.get(program.input.name, 0))
    for i, op in enumerate(program.sequence):
        for name in op.outputs:
            builder.place(name, i, last.get(name, i))
        if op.outputs and op.inputs and not program.graph[op.inputs[0]].stored:
            _share(builder, op, i)
    return builder.buffers
