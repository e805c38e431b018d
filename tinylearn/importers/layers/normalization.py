"""Layers that scale and shift each channel: BatchNormalization, Normalization, Rescaling."""

from __future__ import annotations

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.importers.builder import Value
from tinylearn.importers.fields import is_number
from tinylearn.importers.layers.base import Layer, converts, floats
from tinylearn.ir.graph import Array

#: keras.backend.epsilon(), the least deviation that Normalization divides by
_LEAST_DEVIATION = 1e-7


def _scale_shift(layer: Layer, x: Value, scale: Array, shift: Array) -> Value:
    names = layer.weight("scale", scale), layer.weight("shift", shift)
    return Value(layer.op("scale_shift", "", (x.tensor, *names)), x.shape)


@converts("BatchNormalization")
def batch_normalization(layer: Layer, x: Value) -> Value:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with the moving statistics."""
    fields, shape = layer.fields, x.shape[-1:]
    layer.last_axis(x, fields.get("axis", -1))
    if fields.flag("renorm", False):
        fields.unsupported("renorm", "supported: false")
    learnt = (("gamma", "scale"), ("beta", "center"))
    names = [name for name, key in learnt if fields.flag(key, True)] + ["mean", "variance"]
    values = dict(zip(names, layer.variables(*[shape] * len(names)), strict=True))
    deviation = np.sqrt(_positive(layer, floats(values["variance"]) + _epsilon(layer)))
    scale = floats(values.get("gamma", np.ones(shape))) / deviation
    shift = floats(values.get("beta", np.zeros(shape))) - floats(values["mean"]) * scale
    return _scale_shift(layer, x, scale, shift)


def _epsilon(layer: Layer) -> float:
    return layer.fields.number("epsilon", 1e-3)


def _positive(layer: Layer, values: Array) -> Array:
    if not (values > 0).all():
        raise BadInputError(f"{layer.fields.where}: a variance is negative; train it again")
    return values


@converts("Normalization")
def normalization(layer: Layer, x: Value) -> Value:
    """(x - mean) / sqrt(variance), with the statistics of adapt()."""
    fields, shape = layer.fields, x.shape[-1:]
    layer.last_axis(x, fields.get("axis", -1))
    if fields.get("mean") is not None:
        fields.unsupported("mean", "let the layer adapt(), or use Rescaling")
    if fields.flag("invert", False):
        fields.unsupported("invert", "supported: false")
    mean, variance, _ = layer.variables(shape, shape, ())
    if (variance < 0).any():
        raise BadInputError(f"{fields.where}: a variance is negative; adapt() it again")
    scale = 1 / np.maximum(np.sqrt(floats(variance)), _LEAST_DEVIATION)
    return _scale_shift(layer, x, scale, -floats(mean) * scale)


@converts("Rescaling")
def rescaling(layer: Layer, x: Value) -> Value:
    """x * scale + offset, for all channels or each."""
    scale = _per_channel(layer, x, "scale", 1.0)
    return _scale_shift(layer, x, scale, _per_channel(layer, x, "offset", 0.0))


def _per_channel(layer: Layer, x: Value, name: str, default: float) -> Array:
    """A number, or one for each channel."""
    value = layer.fields.get(name, default)
    values = value if isinstance(value, list) else [value] * x.shape[-1]
    if len(values) != x.shape[-1] or not all(is_number(v) for v in values):
        layer.fields.wrong(name, f"a number or {x.shape[-1]} numbers")
    return np.array(values, dtype=np.float64)
