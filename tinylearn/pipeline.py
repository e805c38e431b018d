"""From an imported graph and the user's choices to a program with its memory plan.

Pure: no file is read or written here. The order of the passes stands in ``compile_graph``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tinylearn.errors import DoesNotFitError, UnsupportedError, UsageError
from tinylearn.files.plain import typed
from tinylearn.ir.graph import Graph, Program
from tinylearn.ops.check import checked
from tinylearn.passes.activation_last import activation_last
from tinylearn.passes.backward import Optimizer, inference, learning
from tinylearn.passes.float_tail import float_tail
from tinylearn.passes.fold_batch_norm import fold_batch_norm
from tinylearn.passes.fuse_activation import fuse_activation
from tinylearn.passes.fuse_input_slope import fuse_input_slope
from tinylearn.passes.head import Head, attach_head, grow_output, standardize_input
from tinylearn.passes.integer_learning import integer_learning
from tinylearn.passes.loss import choose_loss, end_in_probabilities
from tinylearn.passes.select_trainable import select_trainable, trainable_layers
from tinylearn.passes.window_buffers import window_buffers
from tinylearn.planner.plan import Plan, plan

MAX_RATE = 1e3


@dataclass(frozen=True)
class Choices:
    """What the user decides about a model: what learns, how, and with which output.

    ``adapt``: when the learner learns (always, gated by drift, never); ``guard``: whether it
    keeps a snapshot of the best weights to roll back to. ``arithmetic``: what learning
    computes in, float32 or int8.
    """

    learn: str = "none"
    loss: str | None = None
    rate: float = 0.01
    optimizer: Optimizer = field(default_factory=Optimizer)
    head: Head | None = None
    max_classes: int = 0
    standardize_input: bool = False
    ram_budget: int = 0
    adapt: str = "always"
    guard: bool = False
    arithmetic: str = "float32"

    def as_json(self) -> dict[str, Any]:
        """The choices as plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> Choices:
        """Inverse of ``as_json``; raises BadInputError where a value has another type."""
        parts: dict[str, Any] = {"optimizer": typed(Optimizer, values["optimizer"])}
        parts["head"] = typed(Head, values["head"]) if values["head"] is not None else None
        return typed(Choices, {**values, **parts})


@dataclass(frozen=True)
class Compiled:
    """A program, its plan, the loss's name and the outputs in use at the start."""

    source: Graph
    choices: Choices
    program: Program
    plan: Plan
    loss: str
    classes: int

    @property
    def ram_by_purpose(self) -> dict[str, int]:
        """Bytes of RAM by purpose: the struct, and the guard's snapshot beside it."""
        snapshot = self.plan.weights_bytes if self.choices.guard else 0
        return {**self.plan.ram, **({"snapshot": snapshot} if snapshot else {})}

    @property
    def ram_bytes(self) -> int:
        """Struct and snapshot together."""
        return sum(self.ram_by_purpose.values())


def prepare(graph: Graph, choices: Choices) -> Graph:
    """The graph with the head, the standardisation and the output that the user asked for."""
    if choices.head is not None:
        graph = checked(attach_head(graph, choices.head))
    elif choices.learn != "none":
        graph = checked(float_tail(graph, choices.learn))
    if choices.standardize_input:
        graph = checked(standardize_input(graph))
    graph = checked(end_in_probabilities(checked(activation_last(graph)), choices.loss))
    return checked(grow_output(graph, choices.max_classes)) if choices.max_classes else graph


def _selection(graph: Graph, choices: Choices) -> str:
    """With a new head, the head learns unless more is asked for."""
    return "last:1" if choices.head is not None and choices.learn == "none" else choices.learn


def _program(graph: Graph, choices: Choices, selection: str) -> tuple[Program, str]:
    graph = checked(fold_batch_norm(select_trainable(window_buffers(graph), selection)))
    if selection == "none":
        return inference(checked(fuse_activation(graph))), "none"
    loss, output = choose_loss(graph, choices.loss)
    graph = checked(fuse_activation(graph, output.name if output else ""))
    if choices.arithmetic == "int8":
        program = integer_learning(graph, loss, output)
        checked(program.graph)
        return program, loss.name
    program = fuse_input_slope(learning(graph, loss, output, choices.optimizer))
    checked(program.graph)
    return program, loss.name


def _initial_classes(before: Graph, choices: Choices) -> int:
    if not choices.max_classes:
        return 0
    return choices.head.outputs if choices.head else before[before.outputs[0]].size


def compile_graph(source: Graph, choices: Choices) -> Compiled:
    """Runs all passes and plans. Raises UsageError, UnsupportedError or DoesNotFitError."""
    if not 0 < choices.rate <= MAX_RATE:
        raise UsageError(f"--rate {choices.rate}: must be above 0 and at most {MAX_RATE:g}")
    if choices.rate * choices.optimizer.weight_decay >= 1:
        raise UsageError(
            f"--weight-decay {choices.optimizer.weight_decay}: times --rate {choices.rate} it must "
            "stay below 1, or a step would wipe the weights out"
        )
    if choices.arithmetic == "int8":
        _refuse_float_options(choices)
    if choices.head is not None and choices.head.outputs < 1 and not choices.max_classes:
        raise UsageError("--head dense:0 needs --max-classes: how far the output may grow")
    checked(source)
    graph = prepare(source, choices)
    if choices.ram_budget:
        return _deepest_that_fits(source, graph, choices)
    return _compile(source, graph, choices, _selection(graph, choices))


def _refuse_learning_options(choices: Choices) -> None:
    """Options that mean nothing where nothing learns are a mistake, not a detail."""
    optimizer, default = choices.optimizer, Optimizer()
    asked = {
        "--max-classes": choices.max_classes > 0,
        "--guard": choices.guard,
        "--adapt": choices.adapt != "always",
        "--momentum": optimizer.momentum != default.momentum,
        "--weight-decay": optimizer.weight_decay != default.weight_decay,
        "--accumulate": optimizer.accumulate != default.accumulate,
        "--arithmetic int8": choices.arithmetic == "int8",
    }
    named = [option for option, given in asked.items() if given]
    if named:
        raise UsageError(f"{named[0]}: nothing learns; add --learn all, --learn last:1 or --head")


def _refuse_float_options(choices: Choices) -> None:
    """Plain SGD is what learning in integers has."""
    optimizer, head = choices.optimizer, choices.head
    asked = {
        "--max-classes": choices.max_classes > 0,
        "--momentum": optimizer.momentum > 0,
        "--weight-decay": optimizer.weight_decay > 0,
        "--accumulate": optimizer.accumulate > 1,
        "--standardize": choices.standardize_input or (head is not None and head.standardize),
        "--reconstruction-error": head is not None and head.reconstruction_error,
    }
    named = [option for option, given in asked.items() if given]
    if named:
        raise UsageError(f"{named[0]}: not with --arithmetic int8, which learns by plain SGD")


def _compile(source: Graph, graph: Graph, choices: Choices, selection: str) -> Compiled:
    if selection == "none":
        _refuse_learning_options(choices)
    program, loss = _program(graph, choices, selection)
    chosen = replace(choices, learn=selection)
    return Compiled(source, chosen, program, plan(program), loss, _initial_classes(source, choices))


def _deepest_that_fits(source: Graph, graph: Graph, choices: Choices) -> Compiled:
    """The longest trainable suffix whose struct fits the RAM budget."""
    budget, smallest = choices.ram_budget, 0
    layers = len(trainable_layers(graph))
    if not layers:
        raise UsageError(f"--ram {budget}: model {graph.name} has no layer that could learn")
    for count in range(layers, 0, -1):
        try:
            found = _compile(source, graph, choices, f"last:{count}")
        except UnsupportedError:
            if count == 1:
                raise
            continue  # an op that no gradient passes: what stands behind it can still learn
        smallest = found.ram_bytes
        if smallest <= budget:
            return replace(found, choices=replace(found.choices, ram_budget=0))
    raise DoesNotFitError(
        f"model {graph.name}: learning even its last layer needs {smallest} B of RAM, "
        f"--ram allows {budget}; use --learn none or a smaller model"
    )
