"""What matching needs to know of a device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A device by its IRI, which is also the name of its graph. Sizes in bytes, clock in Hz, power in
    W; None: not known. ``sensors``: IRIs of sensor classes, such as sosa_extend:Microphone.
    ``core``: as targets name it, such as ``Cortex-M4F``. ``target``: the name of the target that
    code is generated for, if tinylearn knows one. In RDF: flat facts ``tl:ramBytes``,
    ``tl:flashBytes``, ``tl:clockHz``, ``tl:powerWatts``, ``tl:core``, ``tl:fpu``, ``tl:dsp``,
    ``tl:sensor`` (one each), ``tl:radio`` (one each, such as tl:BluetoothLowEnergy), ``tl:target``;
    the title is ``td:title``. ``power_watts``: of the processor while it computes.

    ``ram_bytes`` and ``flash_bytes`` are what a program may use in all: the model, its buffers and
    the device program.
    """

    iri: str
    title: str
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    core: str | None = None
    fpu: bool | None = None
    dsp: bool | None = None
    clock_hz: int | None = None
    power_watts: float | None = None
    sensors: frozenset[str] = frozenset()
    target: str | None = None
    radios: frozenset[str] = frozenset()
