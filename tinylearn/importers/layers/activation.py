"""Activations: layers of their own, and those given inline to another layer."""

from __future__ import annotations

from typing import Any

from tinylearn.errors import UnsupportedError
from tinylearn.importers.builder import Value
from tinylearn.importers.fields import Fields, shown
from tinylearn.importers.layers.base import Layer, converts

#: (activation, alpha), or softmax
Spec = tuple[str, float]

LINEAR: Spec = ("linear", 0.0)

_NAMES = ("linear", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "softmax")
#: slope of keras.activations.leaky_relu, which as a name takes no argument
_LEAKY_RELU_SLOPE = 0.2
#: slope of the LeakyReLU layer where its config has none
_LEAKY_LAYER_SLOPE = 0.3


def apply(layer: Layer, tensor: str, spec: Spec) -> str:
    """Adds `<layer>/activation`; the tensor itself where the activation is linear."""
    name, alpha = spec
    if name == "linear":
        return tensor
    if name == "softmax":
        return layer.op("softmax", "activation", (tensor,))
    if name == "leaky_relu":
        return layer.op("activation", "activation", (tensor,), activation=name, alpha=alpha)
    return layer.op("activation", "activation", (tensor,), activation=name)


def inline(layer: Layer, tensor: str) -> str:
    """Adds the activation that a layer's config names."""
    return apply(layer, tensor, parse(layer.fields, layer.fields.get("activation", "linear")))


def parse(fields: Fields, value: Any) -> Spec:
    """An activation given by name, or as a layer of its own."""
    if isinstance(value, str):
        return _by_name(fields, value)
    inner = value.get("config") if isinstance(value, dict) else None
    if not isinstance(inner, dict) or value.get("module") != "keras.layers":
        fields.unsupported("activation", f"supported: {', '.join(_NAMES)}")
    return _by_layer(str(value.get("class_name")), Fields(f"{fields.where}: activation", inner))


def _by_name(fields: Fields, name: str) -> Spec:
    if name not in _NAMES:
        raise UnsupportedError(
            f"{fields.where}: activation {shown(name)} is not supported; "
            f"supported: {', '.join(_NAMES)}"
        )
    return name, _LEAKY_RELU_SLOPE if name == "leaky_relu" else 0.0


def _by_layer(class_name: str, fields: Fields) -> Spec:
    if class_name == "ReLU":
        return _relu(fields)
    if class_name == "LeakyReLU":
        name = "alpha" if "alpha" in fields.values else "negative_slope"
        return _leaky(fields, name, _LEAKY_LAYER_SLOPE)
    if class_name == "Softmax" and fields.get("axis", -1) == -1:
        return "softmax", 0.0
    if class_name == "Activation":
        return _by_name(fields, fields.text("activation"))
    raise UnsupportedError(
        f"{fields.where}: {shown(class_name)} is not supported; supported: {', '.join(_NAMES)}"
    )


def _relu(fields: Fields) -> Spec:
    if fields.number("threshold", 0.0) != 0:
        fields.unsupported("threshold", "supported: 0")
    limit = fields.get("max_value")
    if limit is None:
        return _leaky(fields, "negative_slope", 0.0)
    if fields.number("max_value", 6.0) != 6:
        fields.unsupported("max_value", "supported: none, 6")
    if fields.number("negative_slope", 0.0) != 0:
        fields.unsupported("negative_slope", "supported beside max_value: 0")
    return "relu6", 0.0


def _leaky(fields: Fields, name: str, default: float) -> Spec:
    slope = fields.number(name, default)
    if slope < 0:
        fields.unsupported(name, "supported: 0 and above")
    return ("leaky_relu", slope) if slope else ("relu", 0.0)


@converts("ReLU", "LeakyReLU")
def rectifier(layer: Layer, x: Value) -> Value:
    """ReLU with its options, LeakyReLU."""
    spec = _by_layer(layer.class_name, layer.fields)
    return Value(apply(layer, x.tensor, spec), x.shape)


@converts("Activation")
def activation(layer: Layer, x: Value) -> Value:
    """An activation by name."""
    return Value(inline(layer, x.tensor), x.shape)


@converts("Softmax")
def softmax(layer: Layer, x: Value) -> Value:
    """Softmax over the last axis."""
    layer.last_axis(x, layer.fields.get("axis", -1))
    return Value(apply(layer, x.tensor, ("softmax", 0.0)), x.shape)


@converts("ops.Relu", "ops.Relu6", "ops.Sigmoid", "ops.Tanh")
def function(layer: Layer, x: Value) -> Value:
    """keras.ops.relu(x) and its like in a Functional model."""
    name = layer.class_name.removeprefix("ops.").lower()
    return Value(apply(layer, x.tensor, (name, 0.0)), x.shape)
