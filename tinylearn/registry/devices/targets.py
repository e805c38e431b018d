"""The boards and cores that tinylearn generates code for, as devices of the registry."""

from __future__ import annotations

from typing import Any

from tinylearn.registry.devices.document import document
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.vocabulary import SOSA_EXTEND, TL
from tinylearn.targets.target import Target

IRI = "urn:tinylearn:target:"

#: names in targets -> classes
SENSORS = {
    **{name: SOSA_EXTEND + name for name in
       ("Accelerometer", "Camera", "Gyroscope", "Magnetometer", "Microphone", "Thermometer")},
    **{name: TL + name for name in ("Barometer", "Hygrometer", "LightSensor", "ProximitySensor")},
}  # fmt: skip
RADIOS = {name: TL + name for name in ("BluetoothLowEnergy", "WiFi", "Ieee802154", "LoRa")}


def device_of_target(target: Target) -> Device:
    """What matching needs to know of a target. Its flash is what a program may use: without the part
    that is kept for weights."""
    return Device(
        IRI + target.name,
        title=target.title,
        ram_bytes=target.ram_bytes,
        flash_bytes=target.program_bytes,
        core=target.core,
        fpu=target.fpu,
        dsp=target.dsp,
        clock_hz=target.clock_hz,
        power_watts=target.power_watts,
        sensors=frozenset(SENSORS[name] for name in target.sensors),
        target=target.name,
        radios=frozenset(RADIOS[name] for name in target.radios),
    )


def thing_of_target(target: Target) -> dict[str, Any]:
    """A W3C Thing Description of the board, with its hardware."""
    return document(
        device_of_target(target),
        chip=target.chip,
        flash_in_all=target.flash_bytes,
        description=f"{target.title}. Figures from: {target.source}",
    )
