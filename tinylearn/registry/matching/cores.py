"""What matching knows of processor cores: FPU or not, and how long a multiply-accumulate takes.

Instructions per multiply-accumulate of an inference were measured with this generator's own code on
emulated cores: `./tools/bench device --workloads W3`, a CNN on 28x28 (AVR, cycles: W2 in int8, an MLP of
16-12-4 in float32, as W3 does not fit). A learning step of W3 is within a tenth of that. One
instruction is taken for a cycle, as no emulator knows better: that ranks devices and models, but is no
prediction of what a meter would show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.models.facts import Model, Need

#: arithmetics and their numbers in columns
ARITHMETICS = {"float32": 0, "int8": 1}
FLOAT = ARITHMETICS["float32"]


@dataclass(frozen=True)
class Core:
    """A class of cores. ``fpu``: None where it comes with and without. Instructions per
    multiply-accumulate in float32 with FPU, in float32 in software, in int8."""

    pattern: str
    fpu: bool | None
    hard: float
    soft: float
    int8: float


#: the first whose pattern a core's name begins with counts; a core with the instructions of another has its figures
_CORES = (
    Core(r"cortex-m0|cortex-m1\b|cortex-m23", False, 160.8, 160.8, 12.3),
    Core(r"cortex-m3\b", False, 71.1, 71.1, 4.43),
    Core(r"cortex-m4f", True, 1.44, 71.1, 2.84),
    Core(r"cortex-m4\b", None, 1.44, 71.1, 2.84),
    Core(r"cortex-m7", None, 1.44, 71.1, 2.85),
    Core(r"cortex-m33", None, 1.44, 71.1, 2.88),
    Core(r"cortex-m55", None, 1.44, 71.1, 0.85),
    Core(r"rv32[eimacbz_]*$", False, 163.2, 163.2, 5.72),
    Core(r"avr|atmega", False, 290.0, 290.0, 100.5),
)


#: how names of cores begin that share an instruction set
_INSTRUCTION_SETS = {"cortex-m": "Arm", "rv32": "RISC-V", "rv64": "RISC-V", "risc-v": "RISC-V", "avr": "AVR",
                     "atmega": "AVR", "xtensa": "Xtensa"}  # fmt: skip


@lru_cache(maxsize=1024)
def core_of(name: str) -> Core | None:
    """The class of a core's name, ``Arm Cortex-M4F`` or ``cortex m4``; None where it is not known."""
    plain = _plain(name)
    return next((core for core in _CORES if re.match(core.pattern, plain)), None)


def instruction_set(name: str) -> str | None:
    """Whose it is; None where the core's name does not tell."""
    plain = _plain(name)
    return next(
        (whose for begin, whose in _INSTRUCTION_SETS.items() if plain.startswith(begin)), None
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower()).removeprefix("arm-")


def has_fpu(device: Device) -> bool | None:
    """As the device says, else as its core has it; None where nobody knows."""
    if device.fpu is not None:
        return device.fpu
    core = core_of(device.core) if device.core else None
    return core.fpu if core else None


def fpu_of(name: str | None) -> int:
    """1 or 0 as the core has it; -1 where it comes with and without, or is not known."""
    core = core_of(name) if name else None
    return -1 if core is None or core.fpu is None else int(core.fpu)


def cycles(name: str | None, arithmetic: str | None, fpu: bool | None) -> float | None:
    """Of one multiply-accumulate on a core; None where something of it is not known."""
    core = core_of(name) if name else None
    if core is None or arithmetic not in ARITHMETICS:
        return None
    if arithmetic == "int8":
        return core.int8
    return None if fpu is None else core.hard if fpu else core.soft


def seconds(device: Device, model: Model, need: Need | None) -> float | None:
    """Of one inference or learning step; None where clock, core, arithmetic or MACs are not known."""
    each = cycles(device.core, model.arithmetic, has_fpu(device))
    if each is None or not device.clock_hz or need is None or need.macs is None:
        return None
    return need.macs * each / device.clock_hz
