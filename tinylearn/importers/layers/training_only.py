"""Layers that do nothing once training is over: they are dropped."""

from __future__ import annotations

from tinylearn.importers.builder import Value
from tinylearn.importers.layers.base import Layer, converts


@converts(
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise",
    "Identity", "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation",
    "RandomTranslation", "RandomZoom", "SpatialDropout1D", "SpatialDropout2D",
)  # fmt: skip
def dropped(layer: Layer, x: Value) -> Value:
    """The input as it is."""
    return x
