"""Lets a dense layer's backward kernel apply the slope of the activation before it.

Then the input gradient can be written over the input itself: no second buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tinylearn.ir.graph import Op, Program
from tinylearn.passes.origin import origin


def _users(ops: Sequence[Op], tensor: str) -> list[Op]:
    return [op for op in ops if tensor in op.inputs]


def _slope_after(ops: Sequence[Op], dense: Op) -> Op | None:
    """The slope op that alone reads a dense backward op's dx, behind aliases or not."""
    users = _users(ops, dense.outputs[0])
    while len(users) == 1 and users[0].kind == "alias":
        users = _users(ops, users[0].outputs[0])
    found = len(users) == 1 and users[0].kind == "activation_backward"
    return users[0] if found else None


def fuse_input_slope(program: Program) -> Program:
    """The program with every slope op that directly follows a dense backward op fused."""
    for dense in program.backward:
        if dense.kind != "dense_backward" or not dense.outputs or "input_activation" in dense.attrs:
            continue
        slope = _slope_after(program.backward, dense)
        if slope and origin(program.graph, dense.inputs[0]) == origin(
            program.graph, slope.inputs[1]
        ):
            program = _fused(program, dense, slope)
    return program


def _fused(program: Program, dense: Op, slope: Op) -> Program:
    merged = dense.with_attrs(
        input_activation=slope.attrs["activation"], input_alpha=slope.attrs.get("alpha", 0.0)
    )
    alias = replace(slope, kind="alias", inputs=slope.inputs[:1]).with_attrs(
        shape=program.graph.shape(slope.outputs[0])
    )
    swap = {id(dense): merged, id(slope): alias}
    backward = tuple(swap.get(id(op), op) for op in program.backward)
    program = replace(program, backward=backward)
    return replace(program, graph=program.graph.with_ops(program.sequence))
