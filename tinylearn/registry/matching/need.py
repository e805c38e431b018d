"""What a model needs on a device: what is known for the device's target counts before the rest."""

from __future__ import annotations

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.models.facts import Mode, Model, Need


def need_on(device: Device, model: Model, mode: Mode) -> Need | None:
    """The need for the device's own target, else the general one; None where neither is known."""
    if device.target is not None:
        own = model.needs_of_target.get((mode, device.target))
        if own is not None:
            return own
    return model.needs.get(mode)
