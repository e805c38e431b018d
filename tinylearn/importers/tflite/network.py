"""From a TFLite model's plain values to a graph: each operator through its rule."""

from __future__ import annotations

import re

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.fields import MAX_NAME
from tinylearn.importers.tflite import (
    activation,
    arithmetic,
    batched,
    layers,
    movement,
    padding,
    pooling,
    slicing,
)
from tinylearn.importers.tflite.file import TfModel, TfOperator
from tinylearn.importers.tflite.state import Rule, State
from tinylearn.ir.graph import Graph

_RULES: dict[str, Rule] = {
    **layers.RULES, **pooling.RULES, **arithmetic.RULES, **movement.RULES, **activation.RULES,
    **padding.RULES,
    **slicing.RULES,
}  # fmt: skip


def operators() -> list[str]:
    """Names of the operators that can be imported, sorted."""
    return sorted(_RULES)


def build(model: TfModel, name: str, rounding: str) -> Graph:
    """The graph; raises UnsupportedError that names the operator and its place."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UnsupportedError(
            f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs; supported: 1 each"
        )
    model = batched.joined(model)
    state = State(model, rounding)
    source = state.begin(model.inputs[0])
    for operator in model.operators:
        _import(state, operator)
    result = state.end(model.outputs[0])
    return state.builder.graph(_graph_name(name), (source,), (result,))


def _import(state: State, operator: TfOperator) -> None:
    rule = _RULES.get(operator.code)
    if rule is None:
        raise UnsupportedError(
            f"{operator.where} is not supported; supported: {', '.join(operators())}"
        )
    if len(operator.outputs) != 1 or not operator.inputs:
        raise BadInputError(f"{operator.where}: needs inputs and one output")
    _check_output(state, operator)
    rule(state, operator)


def _check_output(state: State, operator: TfOperator) -> None:
    index = operator.outputs[0]
    if index in state.values:
        raise BadInputError(f"{operator.where}: tensor {index}, its output, has a value already")
    if state.model.tensors[index].data is not None:
        raise BadInputError(f"{operator.where}: tensor {index}, its output, is a constant")


def _graph_name(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", stem)[:MAX_NAME] or "model"
