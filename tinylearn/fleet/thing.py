"""A device of a fleet as a W3C Thing Description, so that the registry knows it. Pure.

The terms are those of ontology/tinylearn.ttl. What an operator registers of the hardware says with
``tl:fleetName`` which device of a fleet it is; queries join the two by that name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from tinylearn.fleet.records import AddUpdate, AddVersion, Change, Device, KeptUpdate, PutDevice
from tinylearn.registry.vocabulary import TL

_CONTEXT = ["https://www.w3.org/2022/wot/td/v1.1", {"tl": TL}]


@dataclass(frozen=True)
class FleetDevice:
    """A device, and the last of its updates that counted."""

    device: Device
    update: KeptUpdate | None = None


def with_updates(
    devices: Mapping[str, Device], updates: Mapping[str, KeptUpdate]
) -> dict[str, FleetDevice]:
    """Devices by name, with the last update of those that have reported."""
    return {name: FleetDevice(device, updates.get(name)) for name, device in devices.items()}


def thing_id(fleet: str, device: str) -> str:
    """Its IRI; names of fleets and devices need no escaping in one."""
    return f"urn:tinylearn:fleet:{fleet}:{device}"


def thing_of(known: FleetDevice, fleet: str, run: int) -> dict[str, Any]:
    """The Thing Description."""
    device = known.device
    return {
        "@context": _CONTEXT,
        "@type": "tl:FleetDevice",
        "id": thing_id(fleet, device.name),
        "title": device.name,
        "description": f"A device of the fleet {fleet}, as its coordinator knows it",
        "securityDefinitions": {"nosec_sc": {"scheme": "nosec"}},
        "security": "nosec_sc",
        "tl:fleet": fleet,
        "tl:fleetName": device.name,
        "tl:online": device.online,
        "tl:evicted": device.evicted,
        "tl:freeRamBytes": device.free_ram,
        "tl:frameBytes": device.frame_bytes,
        "tl:modelHash": device.model_hash.hex(),
        "tl:modelVersion": device.deployed,
        "tl:starts": device.births,
        "tl:tag": sorted(device.tags),
        "tl:run": run,
        **_learnt(known.update),
    }


def _learnt(update: KeptUpdate | None) -> dict[str, Any]:
    if update is None:
        return {}
    loss = {"tl:lastLoss": update.loss} if math.isfinite(update.loss) else {}
    return {"tl:lastRound": update.round, "tl:lastSamples": update.samples, **loss}


@dataclass
class Follower:
    """What is known of all devices, from what a coordinator has committed; ``take`` gives what has
    changed since the last call. ``head``: the run's newest version."""

    devices: dict[str, FleetDevice] = field(default_factory=dict)
    head: int = 0

    def __post_init__(self) -> None:
        self._changed = dict.fromkeys(self.devices)  # in the order in which they are told

    def follow(self, changes: Iterable[Change]) -> None:
        """In their order."""
        for change in changes:
            if isinstance(change, PutDevice):
                name = change.device.name
                known = self.devices.get(name, FleetDevice(change.device))
                self._put(name, replace(known, device=change.device))
            elif isinstance(change, AddUpdate):
                name, update = change.update.device, replace(change.update, stream=b"")
                known = self.devices.get(name, FleetDevice(Device(name)))
                self._put(name, replace(known, update=update))
            elif isinstance(change, AddVersion):
                self.head = change.version.number

    def _put(self, name: str, known: FleetDevice) -> None:
        self.devices[name] = known
        self._changed.setdefault(name)

    @property
    def has_changes(self) -> bool:
        """Whether ``take`` has something to give."""
        return bool(self._changed)

    def take(self, most: int) -> list[FleetDevice]:
        """Up to ``most`` of those that have changed, first those that have waited longest."""
        names = list(islice(self._changed, most))
        for name in names:
            del self._changed[name]
        return [self.devices[name] for name in names]

    def again(self, devices: Iterable[FleetDevice]) -> None:
        """What was taken could not be told: it has changed still, and others come before it."""
        for known in devices:
            self._changed.setdefault(known.device.name)
