"""Many pairs of devices and models at once: what match.py says of one pair, in columns. Pure.

Numbers of devices and of models broadcast against each other, so the same function answers for one
model on all devices, one device with all models, and the whole matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinylearn.registry.matching import cores
from tinylearn.registry.matching.device_table import DeviceTable, Numbers
from tinylearn.registry.matching.model_table import ModelTable
from tinylearn.registry.models.facts import Mode

Truth = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Of each pair: how many kinds of reasons speak against it, and what it is ranked by. NaN: not known."""

    problems: NDArray[np.int8]
    accuracy: Values
    ram_left: Values
    joules: Values

    @property
    def fits(self) -> Truth:
        """Whether nothing speaks against it."""
        return np.equal(self.problems, 0)


def compare(devices: DeviceTable, models: ModelTable, mode: Mode, d: Numbers, m: Numbers,
            allow_soft_float: bool = False) -> Compared:  # fmt: skip
    """``d`` and ``m``: numbers of devices and models, of shapes that broadcast."""
    rows, needs, arithmetic = devices.rows[d], models.needs[mode], models.arithmetic[m]
    column = models.columns_of(devices.targets)[rows["target"]]
    ram, flash = needs.ram[m, column], needs.flash[m, column]
    fpu = _fpu(devices, rows)
    problems = np.zeros(ram.shape, np.int8)
    problems += (ram < 0) | needs.obstacle[m]
    problems += (ram >= 0) & (rows["ram"] < np.maximum(ram, 0))
    problems += (flash >= 0) & (rows["flash"] < np.maximum(flash, 0))
    problems += _missing(devices, models, d, m)
    problems += models.unsupported[m]
    if not allow_soft_float:
        problems += (arithmetic == cores.FLOAT) & (fpu == 0) & ~needs.measured[m, column]
    cycles = _cycles(devices)[arithmetic, rows["core"], fpu]
    clock = np.where(rows["clock"] > 0, rows["clock"], np.nan)
    left = np.where((ram < 0) | (rows["ram"] < 0), np.nan, rows["ram"] - ram)
    accuracy = np.broadcast_to(models.accuracy[m], ram.shape)
    return Compared(problems, accuracy, left,
                    needs.macs[m, column] * cycles / clock * rows["power"])  # fmt: skip


def _missing(devices: DeviceTable, models: ModelTable, d: Numbers, m: Numbers) -> Truth:
    """Whether the model reads a sensor that the device has not."""
    words = range(models.sensors.shape[1])
    lacking = [(models.sensors[m, word] & ~devices.masks[d, word]) != 0 for word in words]
    return np.asarray(np.logical_or.reduce(lacking), bool)


def _fpu(devices: DeviceTable, rows: NDArray[np.void]) -> NDArray[np.int8]:
    """1, 0, or -1 where neither the device nor its core says."""
    of_core = np.array([cores.fpu_of(name) for name in (*devices.cores, None)], np.int8)
    return np.where(rows["fpu"] >= 0, rows["fpu"], of_core[rows["core"]])


def _cycles(devices: DeviceTable) -> Values:
    """[arithmetic, core, fpu] of cycles per multiply-accumulate; the last of each is what is not known."""
    names = (*devices.cores, None)
    found = [[[cores.cycles(name, arithmetic, fpu) for fpu in (False, True, None)] for name in names]
             for arithmetic in (*cores.ARITHMETICS, None)]  # fmt: skip
    return np.array(found, np.float64)  # None becomes NaN
