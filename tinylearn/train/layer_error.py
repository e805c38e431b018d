"""How far a quantized network's tensors are from the Keras layers that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinylearn.ir.graph import Array


@dataclass(frozen=True)
class LayerError:
    """Of one layer over the samples tried: root mean square of its float activations and of the
    difference, in the layer's own units, and their ratio in dB (inf where there is none)."""

    layer: str
    tensor: str
    rms: float
    rms_error: float

    @property
    def decibels(self) -> float:
        """Signal to noise."""
        if self.rms_error == 0:
            return float("inf")
        return float(20 * np.log10(self.rms / self.rms_error)) if self.rms else float("-inf")


def dequantized(details: Mapping[str, Any], values: Array) -> Array:
    """What a tensor's values stand for, float64; ``details`` as LiteRT gives them."""
    scales, zeros = (details["quantization_parameters"][k] for k in ("scales", "zero_points"))
    if not len(scales):
        return values.astype(np.float64)
    return (values.astype(np.float64) - int(zeros[0])) * float(scales[0])


def _mentions(name: str, layer: str) -> bool:
    """Whether a converter's tensor name has a layer as one of its parts."""
    return re.search(rf"(?:^|[/;]){re.escape(layer)}(?:_1)?(?:[/;]|$)", name) is not None


def pairs(
    details: list[Mapping[str, Any]], layers: Mapping[str, int]
) -> dict[str, Mapping[str, Any]]:
    """The tensor of each layer: the last computed one that names it and has its size.

    ``layers``: elements of each layer's output. Layers that the converter merged into others have
    no tensor and are left out.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for one in details:
        for layer, size in layers.items():
            sized = int(np.prod(one["shape"])) == size
            if sized and one["dtype"] in (np.int8, np.uint8) and _mentions(one["name"], layer):
                found[layer] = one
    return found


class Sums:
    """Adds squares up, sample by sample."""

    def __init__(self) -> None:
        self._squares: dict[str, tuple[float, float, int]] = {}
        self._tensors: dict[str, str] = {}

    def add(self, layer: str, details: Mapping[str, Any], got: Array, wanted: Array) -> None:
        """One sample of one layer: its quantized values and its float ones."""
        real, truth = dequantized(details, got).ravel(), wanted.astype(np.float64).ravel()
        signal, noise, count = self._squares.get(layer, (0.0, 0.0, 0))
        self._squares[layer] = (
            signal + float((truth**2).sum()),
            noise + float(((real - truth) ** 2).sum()),
            count + truth.size,
        )
        self._tensors[layer] = str(details["name"])

    def results(self) -> list[LayerError]:
        """By layer, in the order in which they were first added."""
        return [
            LayerError(layer, self._tensors[layer], (signal / count) ** 0.5, (noise / count) ** 0.5)
            for layer, (signal, noise, count) in self._squares.items()
        ]
