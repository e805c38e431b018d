"""Who comes and goes, from the changes that were committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinylearn.fleet.records import Change, Device, Log, PutDevice


class Presence:
    """``devices``: as they are at the start."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._online = {name for name, device in devices.items() if device.online}

    def take(self, changes: Sequence[Change]) -> list[Log]:
        """An entry for each device that is online now and was not, or the other way."""
        found = []
        for change in changes:
            if isinstance(change, PutDevice):
                device = change.device
                if device.online != (device.name in self._online):
                    self._online ^= {device.name}
                    found.append(Log("online" if device.online else "offline", 0, device.name))
        return found
