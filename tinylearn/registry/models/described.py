"""All that is written of a model: the facts that matching needs, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinylearn.registry.models.facts import Model
from tinylearn.registry.models.layers import End, Layer


@dataclass(frozen=True)
class Metric:
    """A figure of merit. ``name``: "accuracy" (0 to 1) or another; ``samples``: how many it was
    measured on, and ``measured_on`` which, as far as that is known."""

    name: str
    value: float
    samples: int | None = None
    measured_on: str | None = None


@dataclass(frozen=True)
class Origin:
    """What a model was made from: ``process`` is "generation" or "quantization", ``settings`` what
    was chosen for it, ``calibration`` the name of the data that it used."""

    process: str
    source_sha256: str
    source_name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    calibration: str | None = None


@dataclass(frozen=True)
class Described:
    """``description``: a sentence for people. ``learns``: what learns on the device, as --learn says
    it, of the figures for learning. ``file_bytes``, ``weight_bytes``: None where not known."""

    model: Model
    description: str
    version: str
    layers: tuple[Layer, ...]
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    metrics: tuple[Metric, ...] = ()
    dataset: str | None = None
    learns: str | None = None
    model_hash: str | None = None
    weight_bytes: int | None = None
    file_bytes: int | None = None
    origin: Origin | None = None
