"""One device and one model: whether they fit, and why not. Pure.

``compare.py`` decides the same for many pairs at once; a test holds the two to each other.

A float32 model on a core without FPU runs in software, some 50 times slower than on a Cortex-M4F. That
is refused, also where its need was planned for that very target: a plan says what it takes, not
that anyone wants it so. It is a warning where the need was measured, as then somebody has built it
for that core, and with ``allow_soft_float``. Where nobody knows whether there is an FPU it is a warning
always, as most published descriptions do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.matching import cores, words
from tinylearn.registry.matching.need import need_on
from tinylearn.registry.models.facts import Mode, Model, Need

#: what speaks against a pair, in a word; the order in which it is said
SENSOR, OPERATOR, NEED, RAM, FLASH, FPU = "sensor", "operator", "need", "RAM", "flash", "FPU"
_NO_NEED = {
    Mode.INFERENCE: "RAM and flash that the model needs not known",
    Mode.LEARNING: "the model does not learn, or what learning needs is not known",
}


@dataclass(frozen=True)
class Match:
    """What becomes of a model on a device, both by their IRIs. Bytes left are negative where they
    are short, None where one side is not known. ``seconds`` and ``joules`` (None: not known) are of
    one inference or learning step, a proxy: see cores.py. ``kinds``: each reason in a word."""

    device: str
    model: str
    mode: Mode
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    need: Need | None = None
    ram_left: int | None = None
    flash_left: int | None = None
    accuracy: float | None = None
    seconds: float | None = None
    joules: float | None = None
    kinds: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def energy(self) -> float | None:
        """Of one inference or learning step, in J."""
        return self.joules


def match(
    device: Device, model: Model, mode: Mode = Mode.INFERENCE, allow_soft_float: bool = False
) -> Match:
    """Compares what the model needs, on this device's target where that is known, with what the device has."""
    need = need_on(device, model, mode)
    soft = model.arithmetic == "float32" and cores.has_fpu(device) is False
    wanted = allow_soft_float or (need is not None and need.measured)
    against = [*_against(device, model, need, mode)]
    against += [(FPU, "no FPU for a float model")] if soft and not wanted else []
    warnings = _warnings(device, model, soft and wanted)
    seconds = cores.seconds(device, model, need)
    joules = None if seconds is None or device.power_watts is None else seconds * device.power_watts
    kinds, reasons = (tuple(words) for words in zip(*against, strict=True)) if against else ((), ())
    return Match(device.iri, model.iri, mode, reasons, tuple(warnings), need,
                 _left(device.ram_bytes, need.ram_bytes if need else None),
                 _left(device.flash_bytes, need.flash_bytes if need else None),
                 model.accuracy, seconds, joules, kinds)  # fmt: skip


def _against(
    device: Device, model: Model, need: Need | None, mode: Mode
) -> Iterator[tuple[str, str]]:
    missing = sorted(words.sensor(iri) for iri in model.sensors - device.sensors)
    yield from ((SENSOR, f"no {name}") for name in missing)
    if model.unsupported:
        kinds = sorted(model.unsupported)
        yield OPERATOR, f"operator{'s' * (len(kinds) > 1)} {words.listed(kinds)} not supported"
    if need is None or mode in model.obstacles:
        yield NEED, model.obstacles.get(mode, _NO_NEED[mode])
    if need is not None:
        yield from _short(RAM, need.ram_bytes, device.ram_bytes)
        yield from _short(FLASH, need.flash_bytes, device.flash_bytes)


def _short(what: str, needed: int, there: int | None) -> Iterator[tuple[str, str]]:
    if there is None:
        yield what, f"{what} of the device not known"
    elif needed > there:
        by, needs, has = map(words.size, (needed - there, needed, there))
        yield what, f"{what} short by {by} (needs {needs}, has {has})"


def _warnings(device: Device, model: Model, software: bool) -> Iterator[str]:
    if software:
        yield "no FPU: a float model runs in software"
    if model.arithmetic == "float32" and cores.has_fpu(device) is None:
        yield "FPU of the device not known"


def _left(there: int | None, needed: int | None) -> int | None:
    return None if there is None or needed is None else there - needed
