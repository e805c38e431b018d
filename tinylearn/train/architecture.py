"""Small networks by a short spec: mlp:32,16 · cnn:8,16 · autoencoder:16,4."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinylearn.errors import UsageError

_DEFAULTS = {"mlp": (32,), "cnn": (8, 16), "autoencoder": (16, 4)}
_SPEC = re.compile(r"([a-z]+)(?::(\d+(?:,\d+)*))?")
_MAX_WIDTH = 4096
_MAX_LAYERS = 16

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Architecture:
    """A kind of network and the widths of its hidden layers."""

    kind: str
    widths: tuple[int, ...]

    @property
    def supervised(self) -> bool:
        """Whether it learns labels; an autoencoder learns its own input."""
        return self.kind != "autoencoder"


def parse(spec: str) -> Architecture:
    """`<kind>` or `<kind>:<width>,...`; raises UsageError."""
    match = _SPEC.fullmatch(spec.strip())
    if not match or match[1] not in _DEFAULTS:
        raise UsageError(
            f"architecture {spec[:60]!r} is unknown; give one like mlp:32,16, cnn:8,16 "
            "or autoencoder:16,4"
        )
    widths = tuple(int(w[:9]) for w in match[2].split(",")) if match[2] else _DEFAULTS[match[1]]
    if len(widths) > _MAX_LAYERS or not all(1 <= w <= _MAX_WIDTH for w in widths):
        raise UsageError(
            f"architecture {spec[:60]!r}: give at most {_MAX_LAYERS} widths from 1 to {_MAX_WIDTH}"
        )
    return Architecture(match[1], widths)


def build(keras: Any, architecture: Architecture, shape: Shape, classes: int, front: Any) -> Any:
    """A Sequential model for samples of ``shape``; ``front`` are layers after the input."""
    bodies: dict[str, Callable[[Any, Architecture, Shape], list[Any]]] = {
        "mlp": _mlp,
        "cnn": _cnn,
        "autoencoder": _autoencoder,
    }
    layers = [keras.Input(shape, name="input"), *front]
    layers += bodies[architecture.kind](keras, architecture, shape)
    if architecture.supervised:
        layers.append(keras.layers.Dense(classes, activation="softmax", name="output"))
    return keras.Sequential(layers, name=architecture.kind)


def _hidden(keras: Any, widths: tuple[int, ...]) -> list[Any]:
    return [
        keras.layers.Dense(width, activation="relu", name=f"dense_{i}")
        for i, width in enumerate(widths, 1)
    ]


def _mlp(keras: Any, architecture: Architecture, shape: Shape) -> list[Any]:
    flat = [keras.layers.Flatten(name="flatten")] if len(shape) > 1 else []
    return flat + _hidden(keras, architecture.widths)


def _autoencoder(keras: Any, architecture: Architecture, shape: Shape) -> list[Any]:
    """Down to the last width and back up; the output is linear, in the input's shape."""
    widths = architecture.widths + architecture.widths[-2::-1]
    ends = [keras.layers.Dense(math.prod(shape), name="output")]
    if len(shape) > 1:
        ends.append(keras.layers.Reshape(shape, name="reshape"))
    return _mlp(keras, Architecture("mlp", widths), shape) + ends


def _cnn(keras: Any, architecture: Architecture, shape: Shape) -> list[Any]:
    """Convolution of 3 and pooling by 2 for each width; the output layer sees all positions."""
    if len(shape) not in (2, 3):
        raise UsageError(
            f"cnn needs samples of shape (steps, channels) or (height, width, channels), "
            f"not {shape}"
        )
    layers: list[Any] = []
    for i, width in enumerate(architecture.widths, 1):
        layers.append(_convolution(keras, len(shape) - 1, width, f"conv_{i}"))
        layers.append(_pooling(keras, shape[:-1], f"pool_{i}"))
        shape = (*(max(1, size // 2) for size in shape[:-1]), width)
    return [*layers, keras.layers.Flatten(name="flatten")]


def _convolution(keras: Any, dimensions: int, width: int, name: str) -> Any:
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D)
    return kinds[dimensions - 1](width, 3, padding="same", activation="relu", name=name)


def _pooling(keras: Any, positions: Shape, name: str) -> Any:
    kinds = (keras.layers.MaxPooling1D, keras.layers.MaxPooling2D)
    sizes = tuple(min(2, size) for size in positions)
    return kinds[len(positions) - 1](sizes if len(sizes) == 2 else sizes[0], name=name)
