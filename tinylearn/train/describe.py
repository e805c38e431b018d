"""The description of a quantized model in RDF: what it is, what it costs, what it was made from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from tinylearn.registry.models.about import About
from tinylearn.registry.models.beside import beside, said_in
from tinylearn.registry.models.build import Said
from tinylearn.registry.models.described import Metric, Origin
from tinylearn.registry.models.import_model import described_file
from tinylearn.registry.models.write import document
from tinylearn.train.quantize import Quantized


def description(model: Path, data: Path, result: Quantized, told: About) -> bytes:
    """Turtle. What nobody tells here is taken from what lies beside the float model, but for its
    merit: that of the quantized one was measured."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    before = replace(said_in(beside(model), digest).about, accuracy=None)
    settings = {"samples": str(result.calibration_samples)}
    origin = Origin("quantization", digest, model.name, settings, data.name)
    said = Said(told.otherwise(before), tuple(_metrics(result)), origin)
    return document(described_file(result.path, lambda _: said))


def _metrics(result: Quantized) -> list[Metric]:
    found = [Metric(result.measure, result.score_after, result.samples, result.measured_on)]
    if result.agreement is not None:
        agreement = Metric("agreement", result.agreement, result.samples, result.measured_on)
        found.append(agreement)
    return found
