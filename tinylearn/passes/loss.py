"""Chooses the loss and finds the output activation that it takes the logits before."""

from __future__ import annotations

from dataclasses import replace

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.ir.graph import Graph, Op, frozen_map
from tinylearn.ops.base import all_definitions, definition, rows_of
from tinylearn.ops.losses import Loss
from tinylearn.passes.origin import origin

_FEWEST_CLASSES = 2
#: which output activation each loss contains, if the model has it
_CONTAINS = {"categorical_crossentropy": "softmax", "binary_crossentropy": "sigmoid"}


def losses() -> dict[str, Loss]:
    """Losses by the name users give."""
    known = (d for d in all_definitions() if isinstance(d, Loss) and d.arithmetic == "float32")
    return {d.name: d for d in known}


def _end(graph: Graph) -> Op | None:
    """The op that computes the output, behind reshapes."""
    return graph.producer(origin(graph, graph.outputs[0]))


def _last_activation(graph: Graph) -> tuple[str, Op | None]:
    op = _end(graph)
    if op is not None and op.kind == "softmax":
        return "softmax", op
    if op is not None and op.kind == "activation":
        return str(op.attrs["activation"]), op
    return "linear", None


def end_in_probabilities(graph: Graph, name: str | None) -> Graph:
    """For a cross-entropy on a model that ends in logits: the graph with the activation that
    turns them into probabilities, so that predictions can be judged on the device."""
    inside = _CONTAINS.get(name or "")
    if inside is None or _last_activation(graph)[0] != "linear":
        return graph
    end = _end(graph)
    if end is None or not definition(end.kind).fuses_activation:
        kind = "its input" if end is None else end.kind.replace("_", " ")
        raise UsageError(f"--loss {name}: the model ends in {kind}; it needs {inside} or logits")
    logits = graph[graph.outputs[0]]
    out = replace(logits, name=f"{logits.name}/activation", data=None)
    attrs = {} if inside == "softmax" else {"activation": inside}
    kind = "softmax" if inside == "softmax" else "activation"
    op = Op(kind, out.name, (logits.name,), (out.name,), frozen_map(attrs), (), "output")
    graph = replace(graph.with_tensors([out]), outputs=(out.name,))
    return graph.with_ops((*graph.ops, op))


def _chosen(graph: Graph, name: str | None, activation: str) -> Loss:
    """The loss of a name; without one, that which goes with the output activation."""
    by_activation = {inside: loss for loss, inside in _CONTAINS.items()}
    name, known = name or by_activation.get(activation, "mse"), losses()
    if name not in known:
        raise UsageError(f"--loss {name}: unknown; choose one of {', '.join(sorted(known))}")
    inside = _CONTAINS.get(name, activation)
    if activation not in (inside, "linear"):
        raise UsageError(
            f"--loss {name}: the model ends in {activation}; this loss needs {inside} or logits"
        )
    return known[name]


def _check_classes(graph: Graph) -> None:
    """A categorical loss needs one position with at least two classes."""
    shape = graph.shape(graph.outputs[0])
    if rows_of(shape)[0] > 1:
        raise UnsupportedError(
            f"model {graph.name}: its softmax is over {rows_of(shape)[0]} positions {shape}; "
            "categorical cross-entropy is supported for one position; use --loss mse"
        )
    growable = any(op.attrs.get("growable") for op in graph.ops)
    if shape[-1] < _FEWEST_CLASSES and not growable:
        raise UsageError(
            f"model {graph.name}: a softmax over one output is always 1; use sigmoid, or "
            "--max-classes to let it grow"
        )


def choose_loss(graph: Graph, name: str | None) -> tuple[Loss, Op | None]:
    """The loss, and the output op that is left out of learning (softmax, sigmoid) or None.

    Without a name: softmax means categorical cross-entropy, sigmoid binary cross-entropy,
    anything else mean squared error.
    """
    activation, op = _last_activation(graph)
    loss = _chosen(graph, name, activation)
    if loss.name == "categorical_crossentropy":
        _check_classes(graph)
    return loss, op if _CONTAINS.get(loss.name) == activation else None
