"""Models as columns: what each needs on each target, and what else it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinylearn.registry.matching.cores import ARITHMETICS
from tinylearn.registry.matching.device_table import MOST, Numbers
from tinylearn.registry.matching.terms import Terms
from tinylearn.registry.models.facts import Mode, Model, Need


@dataclass(frozen=True)
class Needs:
    """[model, target] of bytes, -1 where not known, of MACs, NaN, and of whether they were measured. The
    last column is the general need, which stands in for a target of which nothing is known."""

    ram: NDArray[np.int64]
    flash: NDArray[np.int64]
    macs: NDArray[np.float64]
    measured: NDArray[np.bool_]
    #: [model]: something is known that keeps it from it
    obstacle: NDArray[np.bool_]


class ModelTable:
    """Models in the order of their IRIs. Made anew where a model changes; they are few."""

    def __init__(self, models: Iterable[Model], sensors: Terms) -> None:
        self.models: Sequence[Model] = sorted(models, key=lambda model: model.iri)
        self._numbers = {model.iri: number for number, model in enumerate(self.models)}
        self.targets = Terms(sorted({t for m in self.models for _, t in m.needs_of_target}))
        self.needs = {mode: self._needs(mode) for mode in Mode}
        self.sensors = np.stack(
            [sensors.mask(model.sensors, sensors.words) for model in self.models]
            or [np.zeros(sensors.words, np.uint64)]
        )
        self.unsupported = np.array([bool(m.unsupported) for m in self.models], bool)
        codes = [ARITHMETICS.get(m.arithmetic or "", -1) for m in self.models]
        self.arithmetic = np.array(codes, np.intp)  # an index, of no models too
        known = [np.nan if m.accuracy is None else m.accuracy for m in self.models]
        self.accuracy = np.array(known, np.float64)

    @property
    def numbers(self) -> Numbers:
        """Of all models."""
        return np.arange(len(self.models))

    def number(self, iri: str) -> int | None:
        """Of a model that is there."""
        return self._numbers.get(iri)

    def columns_of(self, targets: Terms) -> Numbers:
        """For each number of a device's target its column of ``needs``; at -1 the general one."""
        return np.array([self.targets.number(name) for name in (*targets, None)])

    def _needs(self, mode: Mode) -> Needs:
        rows = [
            [*(m.needs_of_target.get((mode, t), m.needs.get(mode)) for t in self.targets),
             m.needs.get(mode)]
            for m in self.models
        ]  # fmt: skip
        shape = (len(self.models), len(self.targets) + 1)
        cells = [cell for row in rows for cell in row]
        return Needs(
            np.array([-1 if n is None else min(n.ram_bytes, MOST) for n in cells], np.int64).reshape(shape),
            np.array([-1 if n is None else min(n.flash_bytes, MOST) for n in cells], np.int64).reshape(shape),
            np.array([_macs(n) for n in cells], np.float64).reshape(shape),
            np.array([n is not None and n.measured for n in cells], bool).reshape(shape),
            np.array([mode in m.obstacles for m in self.models], bool),
        )  # fmt: skip


def _macs(need: Need | None) -> float:
    return np.nan if need is None or need.macs is None else float(need.macs)
