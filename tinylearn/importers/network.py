"""Walks a model's layers in an order in which they can run and converts each into ops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.builder import GraphBuilder, Value
from tinylearn.importers.config import LayerConfig, ModelConfig, Source
from tinylearn.importers.fields import MAX_ELEMENTS, Fields, shown
from tinylearn.importers.layers.base import Layer, convert
from tinylearn.importers.weights import Place, WeightSource
from tinylearn.ir.graph import Graph
from tinylearn.ops.base import Shape

Values = dict[Source, Value]


def build(model: ModelConfig, weights: WeightSource, name: str) -> Graph:
    """The graph of a model with one input and one output."""
    if len(model.inputs) != 1:
        raise UnsupportedError(
            f"model {model.name} has {len(model.inputs)} inputs; one is supported"
        )
    walk = _Walk(weights)
    result = walk.run(model, Place(), "", None)
    if not walk.builder.ops:
        raise BadInputError(f"model {model.name} has no layer that computes anything")
    output = walk.builder.reshaped(result.tensor, result.shape, "output", "")
    return walk.builder.graph(name, walk.inputs, (output,))


class _Walk:
    """One pass over a model and the models inside it."""

    def __init__(self, weights: WeightSource) -> None:
        self.weights = weights
        self.builder = GraphBuilder()
        self.inputs: list[str] = []

    def run(
        self, model: ModelConfig, place: Place, prefix: str, given: Sequence[Value] | None
    ) -> Value:
        """Converts a model; ``given`` are the inputs of a nested one."""
        places = place.inside(model.layers, model.class_name)
        values = self._start(model, given)
        waiting = [
            (layer, i)
            for layer in model.layers
            if layer.class_name != "InputLayer"
            for i in range(len(layer.calls))
        ]
        while waiting:
            left = [item for item in waiting if not self._try(item, values, places, prefix)]
            if len(left) == len(waiting):
                raise BadInputError(
                    f"layer {left[0][0].name}: its input "
                    f"{shown(_missing(left[0], values))} is not computed by any layer"
                )
            waiting = left
        return self._result(model, values)

    def _start(self, model: ModelConfig, given: Sequence[Value] | None) -> Values:
        layers = {layer.key: layer for layer in model.layers}
        values: Values = {}
        for i, key in enumerate(model.inputs):
            layer = layers.get(key)
            if layer is None or layer.class_name != "InputLayer":
                raise BadInputError(f"model {model.name} has no input layer {shown(key)}")
            values[Source(key)] = self._input(layer) if given is None else _at(given, i, model)
        return values

    def _input(self, layer: LayerConfig) -> Value:
        value = self.builder.input(layer.name, _input_shape(layer.fields))
        self.inputs.append(value.tensor)
        return value

    def _try(
        self, item: tuple[LayerConfig, int], values: Values, places: dict[str, Place], prefix: str
    ) -> bool:
        """Converts one call of one layer, if its inputs are there."""
        layer, call = item
        sources = layer.calls[call]
        if any(source not in values for source in sources):
            return False
        inputs = [values[source] for source in sources]
        values[Source(layer.key, call)] = self._call(layer, call, inputs, places, prefix)
        return True

    def _call(
        self,
        layer: LayerConfig,
        call: int,
        inputs: list[Value],
        places: dict[str, Place],
        prefix: str,
    ) -> Value:
        name = prefix + layer.name
        place = places.get(layer.key, Place())
        if layer.model is None:
            fields = Fields(f"layer {name} ({layer.class_name})", layer.config)
            return convert(
                Layer(name, layer.class_name, fields, self.builder, self.weights, place, call),
                inputs,
            )
        if call:
            raise UnsupportedError(f"model {name} is used {len(layer.calls)} times; copy it")
        return self.run(layer.model, place, f"{name}/", inputs)

    def _result(self, model: ModelConfig, values: Values) -> Value:
        """The output; a nested Functional model counts its calls from 1 there."""
        layer = next((x for x in model.layers if x.key == model.output.layer), None)
        offset = int(layer is not None and layer.model is not None)
        for source in (model.output, Source(model.output.layer, model.output.call - offset)):
            if source in values:
                return values[source]
        raise BadInputError(
            f"model {model.name}: its output {shown(model.output.layer)} is not computed"
        )


def _missing(item: tuple[LayerConfig, int], values: Values) -> str:
    layer, call = item
    return next(source.layer for source in layer.calls[call] if source not in values)


def _at(given: Sequence[Value], index: int, model: ModelConfig) -> Value:
    if len(given) != len(model.inputs):
        raise BadInputError(
            f"model {model.name} takes {len(model.inputs)} inputs and is given {len(given)}"
        )
    return given[index]


def _input_shape(fields: Fields) -> Shape:
    """The declared shape of an input layer, without batch."""
    name = "batch_shape" if "batch_shape" in fields.values else "batch_input_shape"
    shape = fields.get(name)
    if not isinstance(shape, list) or len(shape) < 2:
        fields.wrong(name, "a list of a batch size and at least one size")
    if any(size is None for size in shape[1:]):
        fields.unsupported(name, "give every size but the batch: memory is laid out beforehand")
    if not all(type(size) is int and 0 < size <= MAX_ELEMENTS for size in shape[1:]):
        fields.wrong(name, "positive sizes")
    if math.prod(shape[1:]) > MAX_ELEMENTS:
        fields.wrong(name, f"at most {MAX_ELEMENTS} elements")
    _check_input_kind(fields)
    return tuple(shape[1:])


def _check_input_kind(fields: Fields) -> None:
    if fields.flag("sparse", False) or fields.flag("ragged", False):
        raise UnsupportedError(f"{fields.where}: sparse and ragged inputs are not supported")
    if fields.get("dtype") in ("string", "complex64", "complex128"):
        fields.unsupported("dtype", "inputs are numbers: float32")
