"""List the devices that are registered, with what matching knows of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinylearn.cli.registry_options import opened

if TYPE_CHECKING:
    from tinylearn.registry.devices.facts import Device

HELP = "list devices"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Prints every device."""
    from tinylearn.cli.output import print_json, print_table
    from tinylearn.registry.catalog import Catalog

    with opened(args, read_only=True) as store:
        devices = list(Catalog(store).devices())
    if args.json:
        print_json([as_row(device) for device in devices])
        return 0
    columns = ("device", "core", ">RAM B", ">flash B", ">MHz", "sensors", "IRI")
    print_table(columns, [_cells(device) for device in devices])
    return 0


def as_row(device: Device) -> dict[str, Any]:
    """For JSON."""
    from dataclasses import asdict

    sets = {"sensors": sorted(device.sensors), "radios": sorted(device.radios)}
    return asdict(device) | sets


def _cells(device: Device) -> tuple[object, ...]:
    from tinylearn.registry.names import short

    sizes = (device.ram_bytes, device.flash_bytes)
    megahertz = "" if device.clock_hz is None else f"{device.clock_hz / 1e6:g}"
    sensors = ", ".join(short(sensor) for sensor in sorted(device.sensors, key=short))
    return (device.title, device.core or "", *("" if s is None else s for s in sizes), megahertz,
            sensors, device.iri)  # fmt: skip
