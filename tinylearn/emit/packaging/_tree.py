"""The files that the folder formats share: model, library, port and device program."""

from __future__ import annotations

from collections.abc import Mapping

from tinylearn.emit import firmware
from tinylearn.errors import UnsupportedError
from tinylearn.targets.target import Target


def library() -> dict[str, bytes]:
    """The firmware library below tinylearn/."""
    return {f"tinylearn/{name}": text for name, text in firmware.read_tree("src").items()}


def port(target: Target) -> dict[str, bytes]:
    """The target's port, flat, below port/."""
    if not target.ports:
        raise UnsupportedError(
            f"target {target.name}: no start-up code for it in tinylearn; use --format arduino or "
            "the generated model in a project of your own (--format library)"
        )
    files = {"port/tl_port.h": firmware.read("port/tl_port.h")}
    for folder in target.ports:
        files |= {
            f"port/{name}": text for name, text in firmware.read_tree(f"port/{folder}").items()
        }
    return files


def program(target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """A whole device program."""
    main = "app/main_sensors.c" if "sensors.h" in sources else "app/main.c"
    return {**sources, **library(), **port(target), "main.c": firmware.read(main)}


def c_files(files: Mapping[str, bytes]) -> list[str]:
    """What has to be compiled, sorted."""
    return sorted(name for name in files if name.endswith(".c"))
