"""Marks the weights that learn: all, last:N, layer names, or none."""

from __future__ import annotations

from dataclasses import replace

from tinylearn.errors import UsageError
from tinylearn.ir.graph import Graph, Op
from tinylearn.ops.base import definition


def weights_of(graph: Graph, op: Op) -> tuple[str, ...]:
    """Names of the weights of an op that could be trained."""
    names = (op.inputs[i] for i in definition(op.kind).weights if i < len(op.inputs))
    return tuple(name for name in names if name and graph[name].role == "weight")


def trainable_layers(graph: Graph) -> list[str]:
    """Layers that have weights to train, first to last."""
    return list(dict.fromkeys(op.layer or op.name for op in graph.ops if weights_of(graph, op)))


def chosen_layers(selection: str, layers: list[str]) -> set[str]:
    """The layers that a --learn selection names; raises UsageError for what does not exist."""
    if selection in ("all", "none"):
        return set(layers) if selection == "all" else set()
    if selection.startswith("last:"):
        count = selection.removeprefix("last:")
        if not count.isdecimal() or len(count) > 9 or int(count) < 1:
            raise UsageError(f"--learn {selection}: N in last:N must be a positive number")
        return set(layers[-int(count) :])
    names = {name.strip() for name in selection.split(",") if name.strip()}
    unknown = sorted(names - set(layers))
    if unknown or not names:
        raise UsageError(
            f"--learn {selection}: no trainable layer {', '.join(unknown) or 'named'}; "
            f"the model has {', '.join(layers) or 'none'}"
        )
    return names


def select_trainable(graph: Graph, selection: str) -> Graph:
    """The graph with exactly the selected layers' weights marked trainable."""
    chosen = chosen_layers(selection, trainable_layers(graph))
    marked = []
    for op in graph.ops:
        learns = (op.layer or op.name) in chosen
        marked += [replace(graph[w], trainable=learns) for w in weights_of(graph, op)]
    return graph.with_tensors(marked)
