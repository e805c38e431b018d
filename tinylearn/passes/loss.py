"""Chooses the loss and finds the output activation that it takes the logits before."""

from __future__ import annotations

from dataclasses import replace

from tinylearn.errors import UsageError
from tinylearn.ir.graph import Graph, Op, frozen_map
from tinylearn.ops.base import all_definitions
from tinylearn.ops.losses import Loss

#: which output activation each loss contains, if the model has it
_CONTAINS = {"categorical_crossentropy": "softmax", "binary_crossentropy": "sigmoid"}


def losses() -> dict[str, Loss]:
    """Losses by the name users give."""
    return {d.name: d for d in all_definitions() if isinstance(d, Loss)}


def _last_activation(graph: Graph) -> tuple[str, Op | None]:
    op = graph.producer(graph.outputs[0])
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
    logits = graph[graph.outputs[0]]
    out = replace(logits, name=f"{logits.name}/activation", data=None)
    attrs = {} if inside == "softmax" else {"activation": inside}
    kind = "softmax" if inside == "softmax" else "activation"
    op = Op(kind, out.name, (logits.name,), (out.name,), frozen_map(attrs), (), "output")
    graph = replace(graph.with_tensors([out]), outputs=(out.name,))
    return graph.with_ops((*graph.ops, op))


def choose_loss(graph: Graph, name: str | None) -> tuple[Loss, Op | None]:
    """The loss, and the output op that is left out of learning (softmax, sigmoid) or None.

    Without a name: softmax means categorical cross-entropy, sigmoid binary cross-entropy,
    anything else mean squared error.
    """
    activation, op = _last_activation(graph)
    by_activation = {inside: loss for loss, inside in _CONTAINS.items()}
    name = name or by_activation.get(activation, "mse")
    known = losses()
    if name not in known:
        raise UsageError(f"--loss {name}: unknown; choose one of {', '.join(sorted(known))}")
    inside = _CONTAINS.get(name)
    if inside is None:
        return known[name], None
    if activation not in (inside, "linear"):
        raise UsageError(
            f"--loss {name}: the model ends in {activation}; this loss needs {inside} or logits"
        )
    return known[name], op if activation == inside else None
