"""What an inference must hold at once, whatever the plan."""

from __future__ import annotations

from tinylearn.ir.graph import Program


def largest_pair(program: Program) -> int:
    """Bytes of the largest pair of live tensors: what one op reads and writes, constants apart."""
    tensors = program.graph.tensors
    ends = ({*op.inputs, *op.outputs} for op in program.forward)
    return max(sum(tensors[n].bytes for n in names if tensors[n].data is None) for names in ends)
