"""Terms by which a device's hardware is described, nested as S3N and SSN do it and flat as we do."""

from __future__ import annotations

from collections.abc import Callable

from pyoxigraph import NamedNode

from tinylearn.registry.vocabulary import (
    S3N,
    S3N_EXTEND,
    SCHEMA,
    SOSA,
    SOSA_EXTEND,
    SSN,
    SYSTEM,
    TD,
    TL,
    tl,
)

HAS_SUB_SYSTEM = NamedNode(SSN + "hasSubSystem")
HOSTS = NamedNode(SOSA + "hosts")
CAPABILITIES = (NamedNode(S3N + "hasSystemCapability"), NamedNode(SYSTEM + "hasSystemCapability"))
HAS_PROPERTY = NamedNode(SYSTEM + "hasSystemProperty")
HAS_RANGE = NamedNode(SYSTEM + "hasOperatingRange")
HAS_RANGE_PROPERTY = NamedNode(SYSTEM + "hasOperatingProperty")

MICRO_CONTROLLER = S3N + "MicroController"
COMMUNICATING_SYSTEM = S3N + "CommunicatingSystem"
SENSOR = SOSA + "Sensor"
RAM = S3N_EXTEND + "RAM"
FLASH = S3N_EXTEND + "Flash"
CLOCK = TL + "ClockFrequency"
POWER = SYSTEM + "OperatingPowerRange"

RAM_BYTES, FLASH_BYTES = tl("ramBytes"), tl("flashBytes")
CLOCK_HZ, POWER_WATTS = tl("clockHz"), tl("powerWatts")
CORE, FPU, DSP = tl("core"), tl("fpu"), tl("dsp")
HAS_SENSOR, HAS_RADIO, TARGET = tl("sensor"), tl("radio"), tl("target")
#: facts that matching reads, written on the device itself
FLAT = (
    RAM_BYTES,
    FLASH_BYTES,
    CLOCK_HZ,
    POWER_WATTS,
    CORE,
    FPU,
    DSP,
    HAS_SENSOR,
    HAS_RADIO,
    TARGET,
)

#: ``tl:core`` of a device of which nobody has said what its core is
UNKNOWN_CORE = "unknown"

#: sensor classes that sosa_extend lacks
OUR_SENSORS = tuple(
    TL + name for name in ("Barometer", "Hygrometer", "LightSensor", "ProximitySensor")
)
#: radios; S3N knows that a system communicates, not how
RADIOS = tuple(TL + name for name in ("BluetoothLowEnergy", "WiFi", "Ieee802154", "LoRa"))
#: classes that say no more than that something is a system or sensor of some kind
GENERIC = frozenset(
    {
        SENSOR,
        SCHEMA + "Sensor",
        SSN + "System",
        COMMUNICATING_SYSTEM,
        MICRO_CONTROLLER,
        TD + "Thing",
    }
)


Wanted = Callable[[set[str]], bool]
"""Tells from a part's classes whether it is meant."""


def is_sensor(types: set[str]) -> bool:
    """Whether a subsystem of these classes is a sensor."""
    return SENSOR in types or any(
        name.startswith(SOSA_EXTEND) or name in OUR_SENSORS for name in types
    )


def is_radio(types: set[str]) -> bool:
    """Whether a subsystem of these classes talks to others."""
    return COMMUNICATING_SYSTEM in types or any(name in RADIOS for name in types)
