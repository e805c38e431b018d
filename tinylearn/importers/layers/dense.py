"""Dense: a matrix for a vector, a 1 x 1 convolution over the positions of anything larger."""

from __future__ import annotations

import math

from tinylearn.importers.builder import Value
from tinylearn.importers.layers import activation
from tinylearn.importers.layers.base import Layer, converts
from tinylearn.ir.graph import Array
from tinylearn.ops.window import window_attrs


@converts("Dense")
def dense(layer: Layer, x: Value) -> Value:
    """Dense on (n,) or, position by position, on (..., n)."""
    units, n = layer.fields.integer("units"), x.shape[-1]
    bias_shape = ((units,),) if layer.fields.flag("use_bias", True) else ()
    kernel, *bias = layer.variables((n, units), *bias_shape)
    if len(x.shape) == 1:
        w = layer.weight("kernel", kernel.T)
        z = layer.op("dense", "", (layer.exact(x), w, _bias(layer, bias)))
        return Value(activation.inline(layer, z), (units,))
    w = layer.weight("kernel", kernel.T.reshape(units, 1, 1, n))
    image = layer.image(x) if len(x.shape) <= 3 else _positions(layer, x)
    attrs = window_attrs((1, 1), (1, 1), "valid")
    y = activation.inline(layer, layer.op("conv2d", "", (image, w, _bias(layer, bias)), **attrs))
    shape = (*x.shape[:-1], units)
    if len(x.shape) > 3:
        y = layer.builder.reshaped(y, shape, f"{layer.name}/reshape_out", layer.name)
    return Value(y, shape)


def _positions(layer: Layer, x: Value) -> str:
    """A value of rank 4 and above as (1, positions, n)."""
    shape = (1, math.prod(x.shape[:-1]), x.shape[-1])
    return layer.builder.reshaped(x.tensor, shape, f"{layer.name}/image", layer.name)


def _bias(layer: Layer, bias: list[Array]) -> str:
    return layer.weight("bias", bias[0]) if bias else ""
