"""From a compiled model, or the outline of one that cannot be compiled, to its description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tinylearn.emit.model import EmittedModel
from tinylearn.importers.outline import Outline
from tinylearn.registry.models.about import About
from tinylearn.registry.models.described import Described, Metric, Origin
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.models.iris import model_iri
from tinylearn.registry.models.layers import (
    End,
    Layer,
    arithmetic_of,
    end,
    layers_of,
    layers_of_outline,
)
from tinylearn.registry.models.needs import Needs

#: an accuracy is written with 12 places
_SAME = 1e-11
_SENTENCE = re.compile(r"[^:]+: \w+[\w ]* to \w+[\w ]* in \d+ layers")
NO_LEARNING = "nothing in it learns; generate it with --learn"


@dataclass(frozen=True)
class Holder:
    """The file that holds a model: its name or relative path, SHA-256 in hex, size in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Said:
    """What is known beside the network: by people, by measuring, by its history."""

    about: About = field(default_factory=About)
    metrics: tuple[Metric, ...] = ()
    origin: Origin | None = None

    def all_metrics(self) -> tuple[Metric, ...]:
        """The accuracy that people say goes before one of the same name."""
        accuracy, measured = self.about.accuracy, self._measured_accuracy()
        if accuracy is None or (measured is not None and abs(measured - accuracy) < _SAME):
            return self.metrics
        others = tuple(m for m in self.metrics if m.name != "accuracy")
        return (Metric("accuracy", accuracy), *others)

    def accuracy(self) -> float | None:
        """What people say, or else what was measured."""
        found = self._measured_accuracy() if self.about.accuracy is None else self.about.accuracy
        return None if found is None else round(found, 12)

    def _measured_accuracy(self) -> float | None:
        return next((m.value for m in self.metrics if m.name == "accuracy"), None)


def described(
    title: str, main: EmittedModel, holder: Holder, said: Said, needs: Needs,
    obstacles: Mapping[Mode, str],
) -> Described:  # fmt: skip
    """Of a model that can be compiled: layers and ends are those of ``main``."""
    program = main.compiled.program
    layers = layers_of(program)
    model = Model(
        model_iri(holder.sha256).value, title, needs.general, needs.of_target,
        frozenset(said.about.sensors), frozenset(layer.kind for layer in layers), frozenset(),
        obstacles, arithmetic_of(program), said.accuracy(), said.about.task or _task(layers),
        holder.file, holder.sha256,
    )  # fmt: skip
    ends = (end(program.input),), (end(program.result),)
    return Described(
        model, said.about.description or _sentence(title, ends, layers), main.version, layers,
        *ends, said.all_metrics(), said.about.dataset, weight_bytes=main.compiled.plan.flash_weights,
        file_bytes=holder.bytes, origin=said.origin,
    )  # fmt: skip


def outlined(
    title: str, outline: Outline, reason: str, holder: Holder, said: Said, version: str
) -> Described:
    """Of a model that tinylearn cannot generate code for, and why."""
    layers = layers_of_outline(outline.ops)
    kinds = zip(layers, outline.ops, strict=True)
    unsupported = frozenset(layer.kind for layer, op in kinds if not op.supported)
    model = Model(
        model_iri(holder.sha256).value, title, sensors=frozenset(said.about.sensors),
        operators=frozenset(layer.kind for layer in layers), unsupported=unsupported,
        obstacles=dict.fromkeys(Mode, reason), arithmetic=_arithmetic(layers),
        accuracy=said.accuracy(), task=said.about.task or _task(layers), file=holder.file,
        sha256=holder.sha256,
    )  # fmt: skip
    ends = tuple(map(end, outline.inputs)), tuple(map(end, outline.outputs))
    return Described(
        model, said.about.description or _sentence(title, ends, layers), version, layers, *ends,
        said.all_metrics(), said.about.dataset, file_bytes=holder.bytes, origin=said.origin,
    )  # fmt: skip


def _task(layers: tuple[Layer, ...]) -> str | None:
    """A softmax at the end tells classes apart; of others nobody knows."""
    kinds = [layer.kind for layer in layers if layer.kind not in ("Dequantize", "Quantize")]
    return "Classification" if kinds and kinds[-1] == "Softmax" else None


def _arithmetic(layers: tuple[Layer, ...]) -> str | None:
    """Of a model that is not compiled: float32 where any layer's result is."""
    dtypes = {layer.result.dtype for layer in layers}
    if "float32" in dtypes:
        return "float32"
    return "int8" if dtypes & {"int8", "uint8"} else None


def _sentence(
    title: str, ends: tuple[tuple[End, ...], tuple[End, ...]], layers: tuple[Layer, ...]
) -> str:
    sides = [" and ".join(f"{e.dtype} {e.dimensions}".strip() for e in side) for side in ends]
    return f"{title}: {sides[0]} to {sides[1]} in {len(layers)} layers"


def is_sentence(description: str) -> bool:
    """Whether a description is no more than what the network itself tells: not to be inherited."""
    return _SENTENCE.fullmatch(description) is not None
