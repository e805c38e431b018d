"""The registry of layer converters and what each of them is given.

A new layer is one function in a file of this folder:

    @converts("Negative")
    def negative(layer: Layer, x: Value) -> Value:
        return layer.same_shape(layer.op("negative", "", (x.tensor,)), x)
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.importers.builder import GraphBuilder, Value
from tinylearn.importers.fields import Fields, shown
from tinylearn.importers.weights import Place, WeightSource
from tinylearn.ir.graph import Array
from tinylearn.ops.base import Shape

#: computed in float32 whatever the policy; quantized and 8-bit policies change the weights
_POLICIES = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Layer:
    """One call of one Keras layer, on the way to becoming ops."""

    name: str
    class_name: str
    fields: Fields
    builder: GraphBuilder
    weights: WeightSource
    place: Place
    call: int = 0

    def op(self, kind: str, part: str, inputs: Sequence[str], **attrs: Any) -> str:
        """Adds an op `<layer>` or `<layer>/<part>`; returns its output tensor."""
        return self.builder.op(kind, self._named(part), inputs, self.name, attrs)

    def _named(self, part: str) -> str:
        names = [self.name, str(self.call) if self.call else "", part]
        return "/".join(name for name in names if name)

    def weight(self, part: str, data: Array) -> str:
        """Adds a stored tensor `<layer>/<part>`; returns its name."""
        return self.builder.weight(f"{self.name}/{part}", data)

    def variables(self, *shapes: Shape) -> list[Array]:
        """The layer's variables in Keras' order, which must have exactly these shapes."""
        if self.call:
            raise UnsupportedError(
                f"{self.fields.where}: is used more than once; only layers without weights "
                "can be shared: give each use a layer of its own"
            )
        return self.weights.variables(self.place, self.fields.where, shapes)

    def exact(self, x: Value) -> str:
        """The tensor of a value in Keras' own shape."""
        return self.builder.reshaped(x.tensor, x.shape, self._named("reshape"), self.name)

    def image(self, x: Value) -> str:
        """The tensor of a value as (h, w, c); (n, c) becomes (1, n, c)."""
        shape = (1, *x.shape) if len(x.shape) == 2 else x.shape
        return self.builder.reshaped(x.tensor, shape, self._named("image"), self.name)

    def rank(self, x: Value, *supported: int) -> None:
        """Refuses inputs of another rank (batch not counted)."""
        if len(x.shape) not in supported:
            ranks = " or ".join(str(rank) for rank in supported)
            raise UnsupportedError(
                f"{self.fields.where}: its input {x.shape} has rank {len(x.shape)} "
                f"without batch; supported: {ranks}"
            )

    def pixels(self, tensor: str, rank: int) -> Value:
        """The value of an (h, w, c) tensor for a layer of that rank: drops the height of 1."""
        shape = self.builder.shape(tensor)
        return Value(tensor, shape[1:] if rank == 2 else shape)

    def last_axis(self, x: Value, axis: object) -> None:
        """Refuses an axis other than the last; axes count the batch."""
        axes = axis if isinstance(axis, list) else [axis]
        if axes not in ([-1], [len(x.shape)]):
            raise UnsupportedError(
                f"{self.fields.where}: axis={shown(axis)} is not supported; supported: the last"
            )

    def channels_last(self) -> None:
        """Refuses channels_first."""
        if self.fields.text("data_format", "channels_last") != "channels_last":
            self.fields.unsupported("data_format", "supported: channels_last")


Converter = Callable[[Layer, Sequence[Value]], Value]
OneInput = Callable[[Layer, Value], Value]

_CONVERTERS: dict[str, Converter] = {}


def converts_many(*class_names: str) -> Callable[[Converter], Converter]:
    """Decorator: the converter of layers that take any number of inputs."""

    def add(converter: Converter) -> Converter:
        for name in class_names:
            if name in _CONVERTERS:
                raise ValueError(f"layer {name} has two converters")
            _CONVERTERS[name] = converter
        return converter

    return add


def converts(*class_names: str) -> Callable[[OneInput], OneInput]:
    """Decorator: the converter of layers that take one input."""

    def add(converter: OneInput) -> OneInput:
        def checked(layer: Layer, inputs: Sequence[Value]) -> Value:
            if len(inputs) != 1:
                raise BadInputError(f"{layer.fields.where}: takes 1 input, has {len(inputs)}")
            return converter(layer, inputs[0])

        converts_many(*class_names)(checked)
        return converter

    return add


@cache
def supported() -> list[str]:
    """Classes of all Keras layers that can be imported, sorted."""
    package = importlib.import_module("tinylearn.importers.layers")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"tinylearn.importers.layers.{module}")
    return sorted(name for name in _CONVERTERS if not name.startswith("ops."))


def convert(layer: Layer, inputs: Sequence[Value]) -> Value:
    """What a call of a layer returns; its ops are added to the layer's builder."""
    known = supported()
    if layer.class_name not in _CONVERTERS:
        raise UnsupportedError(
            f"layer {layer.name}: class {shown(layer.class_name)} is not supported; "
            f"supported: {', '.join(known)}"
        )
    _check_policy(layer.fields)
    return _CONVERTERS[layer.class_name](layer, inputs)


def _check_policy(fields: Fields) -> None:
    policy = fields.get("dtype", "float32")
    if isinstance(policy, dict):
        config = policy.get("config")
        policy = config.get("name", config.get("mode")) if isinstance(config, dict) else None
    known = isinstance(policy, str) and policy in _POLICIES
    if not known or fields.get("quantization_config") is not None:
        raise UnsupportedError(
            f"{fields.where}: dtype {shown(policy)} is not supported; save the model before "
            f"it is quantized. Supported: {', '.join(_POLICIES)} (all computed in float32)"
        )


def floats(data: Array) -> Array:
    """Variables in double precision, for arithmetic on them."""
    return np.asarray(data, dtype=np.float64)
