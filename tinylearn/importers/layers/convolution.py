"""Convolutions of one and two dimensions; one-dimensional ones run at height 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinylearn.importers.builder import Value
from tinylearn.importers.layers import activation
from tinylearn.importers.layers.base import Layer, converts
from tinylearn.ir.graph import Array
from tinylearn.ops.base import Shape
from tinylearn.ops.window import window_attrs


@dataclass(frozen=True)
class _Window:
    """What all convolutions have: the input as (h, w, c), the kernel size, the attributes."""

    image: str
    channels: int
    size: Shape
    attrs: dict[str, Any]


def _dimensions(layer: Layer) -> int:
    return 1 if layer.class_name.endswith("1D") else 2


def _flat(sizes: Sequence[int]) -> Shape:
    """(k,) as (1, k)."""
    return (1, *sizes) if len(sizes) == 1 else tuple(sizes)


def _window(layer: Layer, x: Value) -> _Window:
    dimensions = _dimensions(layer)
    layer.rank(x, dimensions + 1)
    layer.channels_last()
    fields = layer.fields
    if fields.integer("groups", 1) != 1:
        fields.unsupported("groups", "supported: 1, or DepthwiseConv2D")
    size = _flat(fields.sizes("kernel_size", dimensions))
    strides = _flat(fields.sizes("strides", dimensions, 1))
    dilation = _flat(fields.sizes("dilation_rate", dimensions, 1))
    image, padding = _padded(layer, x, size, dilation)
    return _Window(image, x.shape[-1], size, window_attrs(size, strides, padding, dilation))


def _padded(layer: Layer, x: Value, size: Shape, dilation: Shape) -> tuple[str, str]:
    """The input and the padding that is left to do; causal padding is done beforehand."""
    causal = ("causal",) if layer.class_name == "Conv1D" else ()
    padding = layer.fields.one_of("padding", "valid", ("valid", "same", *causal))
    image = layer.image(x)
    if padding != "causal":
        return image, padding
    before = (size[1] - 1) * dilation[1]
    if before > 0:
        image = layer.op("zero_pad", "pad", (image,), pads=(0, 0, before, 0))
    return image, "valid"


def _bias_shape(layer: Layer, channels: int) -> tuple[Shape, ...]:
    return ((channels,),) if layer.fields.flag("use_bias", True) else ()


def _bias(layer: Layer, name: str, bias: list[Array]) -> str:
    return layer.weight(name, bias[0]) if bias else ""


def _finish(layer: Layer, x: Value, tensor: str) -> Value:
    return layer.pixels(activation.inline(layer, tensor), len(x.shape))


def _kernel_shape(layer: Layer, w: _Window, *channels: int) -> Shape:
    """The shape of a kernel variable as Keras keeps it."""
    return (*w.size[-_dimensions(layer) :], *channels)


def _depthwise(w: _Window, kernel: Array) -> Array:
    """[k_h, k_w, channel * multiplier], from Keras' [(k_h,) k_w, channel, multiplier]."""
    return kernel.reshape(*w.size, -1)


@converts("Conv1D", "Conv2D")
def conv(layer: Layer, x: Value) -> Value:
    """Conv1D and Conv2D: Keras' HWIO becomes OHWI."""
    w, filters = _window(layer, x), layer.fields.integer("filters")
    kernel, *bias = layer.variables(
        _kernel_shape(layer, w, w.channels, filters), *_bias_shape(layer, filters)
    )
    hwio = kernel.reshape(*w.size, w.channels, filters)
    name = layer.weight("kernel", hwio.transpose(3, 0, 1, 2))
    inputs = (w.image, name, _bias(layer, "bias", bias))
    return _finish(layer, x, layer.op("conv2d", "", inputs, **w.attrs))


@converts("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(layer: Layer, x: Value) -> Value:
    """Depthwise convolution: output channel = channel * multiplier + m."""
    w, multiplier = _window(layer, x), layer.fields.integer("depth_multiplier", 1)
    kernel, *bias = layer.variables(
        _kernel_shape(layer, w, w.channels, multiplier),
        *_bias_shape(layer, w.channels * multiplier),
    )
    name = layer.weight("kernel", _depthwise(w, kernel))
    inputs = (w.image, name, _bias(layer, "bias", bias))
    return _finish(layer, x, layer.op("depthwise_conv2d", "", inputs, **w.attrs))


@converts("SeparableConv1D", "SeparableConv2D")
def separable(layer: Layer, x: Value) -> Value:
    """A depthwise convolution without bias, then a 1 x 1 convolution."""
    w, filters = _window(layer, x), layer.fields.integer("filters")
    multiplier = layer.fields.integer("depth_multiplier", 1)
    middle = w.channels * multiplier
    ones = (1,) * _dimensions(layer)
    kernel, points, *bias = layer.variables(
        _kernel_shape(layer, w, w.channels, multiplier),
        (*ones, middle, filters),
        *_bias_shape(layer, filters),
    )
    name = layer.weight("depthwise/kernel", _depthwise(w, kernel))
    y = layer.op("depthwise_conv2d", "depthwise", (w.image, name, ""), **w.attrs)
    name = layer.weight("pointwise/kernel", points.reshape(middle, filters).T[:, None, None])
    inputs = (y, name, _bias(layer, "pointwise/bias", bias))
    attrs = window_attrs((1, 1), (1, 1), "valid")
    return _finish(layer, x, layer.op("conv2d", "pointwise", inputs, **attrs))
