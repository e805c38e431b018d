"""Device -> W3C Thing Description 1.1 in JSON-LD, its hardware described by S3N, SSN and QUDT."""

from __future__ import annotations

from typing import Any

from tinylearn.registry.devices import terms
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.vocabulary import PREFIXES

# rdfs is a prefix of the TD context already, and schema one of its terms
_USED = ("s3n", "s3n_extend", "sosa", "sosa_extend", "ssn", "ssn-system", "qudt", "unit", "tl")
CONTEXT = [
    "https://www.w3.org/2022/wot/td/v1.1",
    {name: PREFIXES[name] for name in _USED},
]


def document(
    device: Device, *, chip: str = "", flash_in_all: int | None = None, description: str = ""
) -> dict[str, Any]:
    """A valid Thing Description without affordances. ``chip``: the microcontroller's name.
    ``flash_in_all``: bytes of flash where a program may not use all of it."""
    content: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "s3n:SmartSensor",
        "id": device.iri,
        "title": device.title,
        "description": description,
        "securityDefinitions": {"nosec_sc": {"scheme": "nosec"}},
        "security": "nosec_sc",
        "tl:target": device.target,
        "tl:flashBytes": device.flash_bytes if flash_in_all not in (None, device.flash_bytes) else None,
        "ssn:hasSubSystem": [
            _controller(device, chip, flash_in_all or device.flash_bytes),
            *({"@type": ["sosa:Sensor", compact(sensor)]} for sensor in sorted(device.sensors)),
            *({"@type": ["s3n:CommunicatingSystem", compact(r)]} for r in sorted(device.radios)),
        ],
        "ssn-system:hasOperatingRange": _power(device.power_watts),
    }  # fmt: skip
    return _said(content)


def compact(iri: str) -> str:
    """The IRI with one of our prefixes, where one fits."""
    for name in ("sosa_extend", "s3n_extend", "tl", "ssn-system", "unit"):
        if iri.startswith(PREFIXES[name]):
            return f"{name}:{iri.removeprefix(PREFIXES[name])}"
    return iri


def _controller(device: Device, chip: str, flash_bytes: int | None) -> dict[str, Any]:
    properties = [
        _quantity(terms.RAM, device.ram_bytes, "unit:BYTE"),
        _quantity(terms.FLASH, flash_bytes, "unit:BYTE"),
        _quantity(terms.CLOCK, device.clock_hz, "unit:HZ"),
    ]
    return _said({
        "@type": "s3n:MicroController",
        "rdfs:label": chip,
        "tl:core": device.core or terms.UNKNOWN_CORE,
        "tl:fpu": device.fpu,
        "tl:dsp": device.dsp,
        "s3n:hasSystemCapability": {
            "ssn-system:hasSystemProperty": [known for known in properties if known]
        },
    })  # fmt: skip


def _power(watts: float | None) -> dict[str, Any] | None:
    if watts is None:
        return None
    return {"ssn-system:hasOperatingProperty": _quantity(terms.POWER, watts, "unit:W")}


def _quantity(of_class: str, value: float | None, unit: str) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"@type": compact(of_class), "qudt:numericValue": value, "qudt:unit": {"@id": unit}}


def _said(content: dict[str, Any]) -> dict[str, Any]:
    """Without what nobody knows; false is something."""
    return {key: value for key, value in content.items() if value is not None and value != ""}
