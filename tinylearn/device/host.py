"""Opens a device of a generated project, whichever kind it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinylearn.device.build import build_project
from tinylearn.device.client import Device
from tinylearn.device.transport import Transport
from tinylearn.errors import BadInputError, UsageError
from tinylearn.targets import find
from tinylearn.targets.target import Simavr, Target

KINDS = ("twin", "emulator", "serial:PORT")


def read_info(folder: Path) -> dict[str, Any]:
    """The project's info file; raises BadInputError where there is none, or no good one."""
    found = sorted(folder.glob("*_info.json"))
    if len(found) != 1:
        raise BadInputError(f"{folder}: not a project written by `tinylearn generate`")
    try:
        info = json.loads(found[0].read_text())
        return {**info, "name": str(info["name"]), "target": str(info["target"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(f"{found[0]}: damaged ({error}); generate the project again") from None


def open_transport(where: str, folder: Path) -> Transport:
    """The line to a device: ``twin``, ``emulator`` or ``serial:PORT``.

    The twin and the emulated board are built from the project first, where that is needed.
    Raises UsageError for another word, and what building and opening raise.
    """
    kind, _, port = where.partition(":")
    if kind == "serial" and port:
        from tinylearn.device.serial import SerialTransport

        return SerialTransport(port)
    info = read_info(folder)
    if where == "twin":
        from tinylearn.device.twin import load_twin

        return load_twin(folder, info["name"], info["target"]).open()
    if where == "emulator":
        target = find(info["target"])
        return _emulator(build_project(folder, info["name"], target), target)
    raise UsageError(f"device {where}: there are {', '.join(KINDS)}")


def _emulator(elf: Path, target: Target) -> Transport:
    from tinylearn.device.qemu import QemuTransport
    from tinylearn.device.simavr import SimavrTransport

    kind = SimavrTransport if isinstance(target.emulator, Simavr) else QemuTransport
    return kind(elf, target)


def open_device(where: str, folder: Path) -> Device:
    """The device itself, ready for requests; use it in a ``with`` statement."""
    return Device(open_transport(where, folder))
