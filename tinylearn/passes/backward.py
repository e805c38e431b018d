"""Turns an inference graph into a program that also learns: loss, backward, optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tinylearn.errors import UsageError
from tinylearn.ir.graph import Graph, Op, Program, Role, Tensor, frozen_map
from tinylearn.ops.base import GradientBuilder, definition
from tinylearn.ops.losses import Loss
from tinylearn.passes.origin import origin
from tinylearn.passes.select_trainable import weights_of


@dataclass(frozen=True)
class Optimizer:
    """SGD and what it may cost extra: one buffer each for momentum and accumulation."""

    momentum: float = 0.0
    weight_decay: float = 0.0
    accumulate: int = 1
    skip_zero_deltas: bool = True

    def check(self) -> None:
        """Raises UsageError for values outside their range."""
        if not 0 <= self.momentum < 1:
            raise UsageError(f"--momentum {self.momentum}: must be at least 0 and below 1")
        if not 0 <= self.weight_decay < 1:
            raise UsageError(f"--weight-decay {self.weight_decay}: must be at least 0 and below 1")
        if not 1 <= self.accumulate <= 65535:
            raise UsageError(f"--accumulate {self.accumulate}: must be from 1 to 65535")


def inference(graph: Graph) -> Program:
    """A program that only predicts."""
    if not _only_reshapes(graph):
        return Program(graph, graph.ops)
    graph, output = _output_ops(graph, None)
    return Program(graph.with_ops((*graph.ops, *output)), graph.ops, output)


def _only_reshapes(graph: Graph) -> bool:
    """Whether the output is the input's bytes, so that they still have to be copied."""
    return origin(graph, graph.outputs[0]) in graph.inputs


def trainable_weights(graph: Graph, op: Op) -> tuple[str, ...]:
    """The weights of an op that learn."""
    return tuple(w for w in weights_of(graph, op) if graph[w].trainable)


def _downstream(graph: Graph, ops: tuple[Op, ...]) -> frozenset[str]:
    """Tensors that depend on a weight that learns: those whose gradient is wanted."""
    wanted = set[str]()
    for op in ops:
        if trainable_weights(graph, op) or wanted.intersection(op.inputs):
            wanted.update(op.outputs)
    return frozenset(wanted)


def _buffers(graph: Graph, role: Role) -> dict[str, Tensor]:
    """A zeroed buffer beside every weight that learns."""
    return {
        t.name: Tensor(f"{role}:{t.name}", t.shape, role, np.zeros(t.shape, np.float32))
        for t in graph.tensors.values()
        if t.trainable
    }


@dataclass
class _Updates:
    """Where gradients go, and the optimiser's ops around them."""

    graph: Graph
    optimizer: Optimizer
    velocity: dict[str, Tensor] = field(init=False)
    sums: dict[str, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        momentum, several = self.optimizer.momentum > 0, self.optimizer.accumulate > 1
        self.velocity = _buffers(self.graph, "velocity") if momentum else {}
        self.sums = _buffers(self.graph, "gradient_sum") if several else {}

    @property
    def target(self) -> dict[str, str]:
        """What each weight's gradient is added to."""
        into = self.sums or self.velocity
        names = (t.name for t in self.graph.tensors.values() if t.trainable)
        return {w: into[w].name if into else w for w in names}

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.velocity.values(), *self.sums.values()]

    def _op(self, kind: str, target: str, source: str = "", factor: float | str = 1.0) -> Op:
        inputs, attrs = (source,) if source else (), frozen_map({"factor": factor})
        return Op(kind, f"{kind}_{target}", inputs, (), attrs, (target,))

    def _decay(self, w: str) -> list[Op]:
        return [self._op("scale_weights", w, factor="keep")] if self.optimizer.weight_decay else []

    def _fade(self, w: str) -> list[Op]:
        if w not in self.velocity:
            return []
        return [self._op("scale_weights", self.velocity[w].name, factor=self.optimizer.momentum)]

    def before(self, weights: tuple[str, ...]) -> list[Op]:
        """Ops before a layer's backward op."""
        return [] if self.sums else [op for w in weights for op in self._fade(w)]

    def after(self, weights: tuple[str, ...]) -> list[Op]:
        """Ops after a layer's backward op."""
        if self.sums:
            return []
        return [op for w in weights for op in (*self._decay(w), *self._move(w))]

    def _move(self, w: str) -> list[Op]:
        return [self._op("add_scaled", w, self.velocity[w].name)] if w in self.velocity else []

    def apply(self) -> list[Op]:
        """Ops at the end of a mini-batch."""
        return [op for w, total in self.sums.items() for op in self._apply_one(w, total.name)]

    def _apply_one(self, w: str, total: str) -> list[Op]:
        into = self.velocity[w].name if w in self.velocity else w
        step = [self._op("add_scaled", into, total, "minus_rate")]
        decay = self._decay(w)
        steps = [*self._fade(w), *step, *decay, *self._move(w)] if into != w else [*decay, *step]
        return [*steps, self._op("clear", total)]


def _walk_back(ops: tuple[Op, ...], g: GradientBuilder, updates: _Updates) -> None:
    for op in reversed(ops):
        weights = trainable_weights(g.graph, op)
        upstream = any(g.wants(name) for name in op.inputs)
        if not (weights or upstream) or not any(name in g.pending for name in op.outputs):
            continue
        g.ops += updates.before(weights)
        definition(op.kind).gradient(op, g)
        g.ops += updates.after(weights)


def _output_ops(graph: Graph, head: Op | None) -> tuple[Graph, tuple[Op, ...]]:
    """How predict() gets from what learning keeps to the caller's output."""
    if head is not None:
        return graph, (head,)
    result = graph[graph.outputs[0]]
    out = replace(result, name=f"{result.name}:out", data=None)
    copy = Op("copy", out.name, (result.name,), (out.name,))
    return replace(graph.with_tensors([out]), outputs=(out.name,)), (copy,)


def learning(graph: Graph, loss: Loss, head: Op | None, optimizer: Optimizer) -> Program:
    """A program that learns the weights marked trainable, by SGD on ``loss``.

    ``head`` is the output activation that the loss contains: predict() runs it, learning
    does not.
    """
    optimizer.check()
    forward = tuple(op for op in graph.ops if op is not head)
    scores = head.inputs[0] if head is not None else graph.outputs[0]
    wanted = _downstream(graph, forward)
    if scores not in wanted:
        raise UsageError(f"model {graph.name}: no layer that can learn reaches the output")
    growable = bool(graph_growable(graph))
    updates = _Updates(graph, optimizer)
    g = GradientBuilder(graph, wanted, optimizer.skip_zero_deltas, updates.target)
    loss_op = Op(loss.kind, "loss", (scores,), (g.new(scores),), frozen_map({"growable": growable}))
    _walk_back(forward, g, updates)
    graph, output = _output_ops(graph.with_tensors([*g.tensors.values(), *updates.tensors]), head)
    guarded = _guarded(graph, forward, wanted)
    program = Program(graph, forward, output, loss_op, tuple(g.ops), tuple(updates.apply()),
                      optimizer.accumulate, guarded, optimizer.weight_decay)  # fmt: skip
    return replace(program, graph=graph.with_ops(program.sequence))


def graph_growable(graph: Graph) -> Op | None:
    """The layer whose outputs can grow at run time, if there is one."""
    return next((op for op in graph.ops if op.kind == "dense" and op.attrs.get("growable")), None)


def _guarded(graph: Graph, forward: tuple[Op, ...], wanted: frozenset[str]) -> tuple[str, ...]:
    """The input, and the frozen values that a learning layer reads: a NaN in these would reach
    the weights, and one in the input may hide behind a ReLU or a pooling layer that is frozen."""
    reads = (op.inputs[0] for op in forward if trainable_weights(graph, op))
    origins = (origin(graph, name) for name in reads if name not in wanted)
    named = dict.fromkeys((graph.inputs[0], *origins))
    return tuple(name for name in named if not _comes_of_integers(graph, name))


def _comes_of_integers(graph: Graph, name: str) -> bool:
    """Whether a tensor is int8, or int8 made float: it cannot hold a NaN."""
    source = graph.producer(name)
    return graph[name].dtype != "float32" or (source is not None and source.kind == "dequantize")
