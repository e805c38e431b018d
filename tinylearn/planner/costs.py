"""What each layer costs: multiply-accumulates, weights, and RAM while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.ir.graph import Op, Program
from tinylearn.ops.base import definition
from tinylearn.planner.plan import Plan


@dataclass(frozen=True)
class LayerCost:
    """One op of the forward pass. Sizes in bytes.

    ``ram_forward``: arena bytes alive while it runs. ``ram_learning``: its weights that learn
    with their optimiser buffers, and the arena bytes alive while its backward op runs.
    """

    layer: str
    kind: str
    activation: str
    shape: tuple[int, ...]
    macs: int
    macs_learning: int
    weight_bytes: int
    learns: bool
    ram_forward: int
    ram_learning: int


def macs(program: Program, ops: tuple[Op, ...]) -> int:
    """Multiply-accumulates of some ops."""
    return sum(definition(op.kind).macs(op, program.graph) for op in ops)


def macs_of_step(program: Program) -> int:
    """Of one learning step: forward, weight and input gradients, and the update itself."""
    updated = sum(t.size for t in program.graph.tensors.values() if t.trainable)
    return macs(program, program.forward) + macs(program, program.backward) + updated


def _alive(plan: Plan, at: int) -> int:
    return sum(s.bytes for s in plan.slots if s.first <= at <= s.last)


def _backward_of(program: Program, op: Op) -> Op | None:
    return next((b for b in program.backward if b.name == f"{op.name}_backward"), None)


def _ram_learning(plan: Plan, op: Op, backward: Op | None) -> int:
    graph = plan.program.graph
    if backward is None:
        return 0
    names = {w for w in op.inputs if w and graph[w].trainable}
    buffers = {f"{role}:{w}" for role in ("velocity", "gradient_sum") for w in names}
    stored = sum(graph[n].bytes for n in names | buffers if n in graph.tensors)
    return stored + _alive(plan, plan.program.sequence.index(backward))


def _cost(plan: Plan, at: int, op: Op) -> LayerCost:
    graph, backward = plan.program.graph, _backward_of(plan.program, op)
    weights = [graph[n] for n in op.inputs if n and graph[n].stored]
    learning = sum(w.size for w in weights if w.trainable)
    if backward is not None:
        learning += definition(backward.kind).macs(backward, graph)
    return LayerCost(
        op.layer or op.name, op.kind, str(op.attrs.get("activation", "linear")),
        graph.shape(op.outputs[0]), definition(op.kind).macs(op, graph), learning,
        sum(w.bytes for w in weights), any(w.trainable for w in weights),
        _alive(plan, at), _ram_learning(plan, op, backward),
    )  # fmt: skip


def layer_costs(plan: Plan) -> tuple[LayerCost, ...]:
    """Costs of every op that predict() runs and that is more than a change of shape."""
    program = plan.program
    ops = (*program.forward, *program.output)
    return tuple(
        _cost(plan, at, op)
        for at, op in enumerate(ops)
        if not definition(op.kind).alias and op.kind != "copy"
    )
