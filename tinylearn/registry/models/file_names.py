"""Names that a TFLite file has for what its network does. It is run as fewer ops and sometimes as
others, and of a quantized op's activation only the range is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tinylearn.importers.tflite import file
from tinylearn.importers.tflite.file import TfModel
from tinylearn.registry.models.described import Described
from tinylearn.registry.models.kinds import kind_of_code
from tinylearn.registry.models.layers import Layer

_WEIGHTED = ("Conv2D", "DepthwiseConv2D", "FullyConnected")
_ACTIVATIONS = {0: None, 1: "Relu", 2: "ReluN1To1", 3: "Relu6"}


def with_names_of(path: Path, made: Described) -> Described:
    """With the file's operators, and the activations that it names."""
    model = file.read(path)
    operators = frozenset(kind_of_code(operator.code) for operator in model.operators)
    named = replace(made.model, operators=operators)
    return replace(made, model=named, layers=_activated(made.layers, model))


def _activated(layers: tuple[Layer, ...], model: TfModel) -> tuple[Layer, ...]:
    """Float layers may have their activation behind them; they keep it there."""
    numbers = [
        operator.options.get("FusedActivationFunction", 0)
        for operator in model.operators
        if kind_of_code(operator.code) in _WEIGHTED
    ]
    weighted = [layer for layer in layers if layer.kind in _WEIGHTED]
    if len(weighted) != len(numbers):
        return layers
    names = {id(w): _ACTIVATIONS.get(n) for w, n in zip(weighted, numbers, strict=True)}
    return tuple(replace(x, activation=names.get(id(x), x.activation)) for x in layers)
