"""Pooling over windows and over everything; one-dimensional layers run at height 1."""

from __future__ import annotations

from tinylearn.importers.builder import Value
from tinylearn.importers.layers.base import Layer, converts
from tinylearn.ops.base import Shape
from tinylearn.ops.window import window_attrs


def _sizes(layer: Layer, name: str, dimensions: int, default: Shape) -> Shape:
    if layer.fields.get(name) is None:
        return default
    sizes = layer.fields.sizes(name, dimensions)
    return (1, *sizes) if dimensions == 1 else sizes


@converts("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D")
def pool(layer: Layer, x: Value) -> Value:
    """Max or average over windows; padding does not count towards an average."""
    dimensions = 1 if layer.class_name.endswith("1D") else 2
    layer.rank(x, dimensions + 1)
    layer.channels_last()
    size = _sizes(layer, "pool_size", dimensions, (1, 2) if dimensions == 1 else (2, 2))
    strides = _sizes(layer, "strides", dimensions, size)
    padding = layer.fields.one_of("padding", "valid", ("valid", "same"))
    kind = "max_pool" if layer.class_name.startswith("Max") else "average_pool"
    y = layer.op(kind, "", (layer.image(x),), **window_attrs(size, strides, padding))
    return layer.pixels(y, len(x.shape))


def _without_positions(layer: Layer, x: Value, tensor: str) -> Value:
    """(c,), or with keepdims (1, c) or (1, 1, c)."""
    channels = x.shape[-1]
    kept = (1,) * (len(x.shape) - 1) if layer.fields.flag("keepdims", False) else ()
    shape = (*kept, channels)
    return Value(layer.builder.reshaped(tensor, shape, f"{layer.name}/shape", layer.name), shape)


@converts("GlobalAveragePooling1D", "GlobalAveragePooling2D")
def global_average(layer: Layer, x: Value) -> Value:
    """The average over all positions."""
    layer.rank(x, 2 if layer.class_name.endswith("1D") else 3)
    layer.channels_last()
    return _without_positions(layer, x, layer.op("global_average_pool", "", (x.tensor,)))


@converts("GlobalMaxPooling1D", "GlobalMaxPooling2D")
def global_max(layer: Layer, x: Value) -> Value:
    """The maximum over all positions: one window as large as the input."""
    layer.rank(x, 2 if layer.class_name.endswith("1D") else 3)
    layer.channels_last()
    image = layer.image(x)
    size = layer.builder.shape(image)[:2]
    y = layer.op("max_pool", "", (image,), **window_attrs(size, size, "valid"))
    return _without_positions(layer, x, y)
