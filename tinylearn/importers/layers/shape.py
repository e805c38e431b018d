"""Layers that move values to another shape: Flatten, Reshape, ZeroPadding."""

from __future__ import annotations

import math
from typing import Any

from tinylearn.errors import BadInputError
from tinylearn.importers.builder import Value
from tinylearn.importers.fields import MAX_ELEMENTS
from tinylearn.importers.layers.base import Layer, converts
from tinylearn.ops.base import Shape


def _as(layer: Layer, x: Value, shape: Shape) -> Value:
    return Value(layer.builder.reshaped(x.tensor, shape, layer.name, layer.name), shape)


@converts("Flatten")
def flatten(layer: Layer, x: Value) -> Value:
    """All values in one row."""
    layer.channels_last()
    return _as(layer, x, (math.prod(x.shape),))


@converts("Reshape")
def reshape(layer: Layer, x: Value) -> Value:
    """Another shape of as many values; one size may be -1."""
    target = layer.fields.get("target_shape")
    if not isinstance(target, list) or not target or not all(_is_target(n) for n in target):
        layer.fields.wrong("target_shape", "a list of sizes, one of which may be -1")
    known = math.prod(n for n in target if n != -1)
    total = math.prod(x.shape)
    if target.count(-1) > 1 or total % known or (-1 not in target and known != total):
        raise BadInputError(f"{layer.fields.where}: cannot reshape {x.shape} to {tuple(target)}")
    return _as(layer, x, tuple(total // known if n == -1 else n for n in target))


def _is_target(size: object) -> bool:
    return type(size) is int and (size == -1 or 0 < size <= MAX_ELEMENTS)


@converts("ZeroPadding1D")
def zero_padding_1d(layer: Layer, x: Value) -> Value:
    """Zeros before and after a sequence."""
    layer.rank(x, 2)
    layer.channels_last()
    before, after = layer.fields.sizes("padding", 2, 1, low=0)
    pads = (0, 0, before, after)
    return layer.pixels(layer.op("zero_pad", "", (layer.image(x),), pads=pads), 2)


@converts("ZeroPadding2D")
def zero_padding_2d(layer: Layer, x: Value) -> Value:
    """Zeros around an image."""
    layer.rank(x, 3)
    layer.channels_last()
    pads = _pads(layer, layer.fields.get("padding", 1))
    return layer.pixels(layer.op("zero_pad", "", (layer.image(x),), pads=pads), 3)


def _pads(layer: Layer, value: Any) -> Shape:
    """(top, bottom, left, right) from n, [n, m] or [[n, m], [k, l]]."""
    sides = value if isinstance(value, list) else [value, value]
    pairs = [side if isinstance(side, list) else [side, side] for side in sides]
    if len(pairs) != 2 or any(len(pair) != 2 for pair in pairs):
        layer.fields.wrong("padding", "a size, two sizes or two pairs of sizes")
    flat = tuple(n for pair in pairs for n in pair)
    if not all(type(n) is int and 0 <= n <= MAX_ELEMENTS for n in flat):
        layer.fields.wrong("padding", "sizes from 0")
    return flat
