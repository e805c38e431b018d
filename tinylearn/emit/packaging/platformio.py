"""PlatformIO project: the model as a library below lib/, a program below src/.

Layout: https://docs.platformio.org/en/latest/projectconf/; fields of library.json:
https://docs.platformio.org/en/latest/manifests/library-json/. A target that is no board of
PlatformIO's gets an environment for this computer, to be copied for a board.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tinylearn.emit import firmware
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.packaging._example import example
from tinylearn.emit.packaging.arduino import sketch
from tinylearn.targets.target import Target

NAME = "platformio"
TITLE = "PlatformIO project"
NEXT = "pio run -d {out}"

_BOARD = """; {name} on {title}: `pio run -t upload` builds the program and writes it to the board.
[env:{board}]
platform = {platform}
board = {board}
framework = arduino
monitor_speed = 115200
build_flags = {flags}
"""

_NATIVE = """; {name} on this computer: `pio run -t exec` builds the program and runs it.
; {title} is no board that PlatformIO knows: for one of its boards, add an environment.
[env:native]
platform = native
build_flags = {flags}
"""

#: products are rounded before they are summed, as everywhere
_FLAGS = ("-ffp-contract=off", "-fno-math-errno")


def _slug(name: str) -> str:
    """A library's name: lower-case letters, digits and single dashes, at most 50."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "model"


def _manifest(model: EmittedModel, framework: str) -> bytes:
    does = "learns" if model.compiled.program.learns else "predicts"
    ram = model.compiled.plan.ram_bytes
    content = {
        "$schema": "https://raw.githubusercontent.com/platformio/platformio-core/develop/platformio/"
        "assets/schema/library.json",
        "name": _slug(model.name),
        "version": model.version,
        "description": f"{model.name}, a neural network that {does} on the board; no heap, {ram} "
        "bytes of RAM for the model",
        "keywords": ["neural network", "tinyml", "on-device learning"],
        "authors": [{"name": "tinylearn"}],
        "headers": f"{model.name}.h",
        "frameworks": framework,
        "platforms": "*",
        "build": {"srcDir": "src", "flags": list(_FLAGS)},
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _settings(model: EmittedModel, target: Target) -> bytes:
    platform, board = target.platformio_board or ("", "")
    flags = " ".join((*_FLAGS, *target.defines_flags))
    template = _BOARD if target.platformio_board else _NATIVE
    return template.format(name=model.name, title=target.title, platform=platform, board=board,
                           flags=flags).encode()  # fmt: skip


def files(model: EmittedModel, target: Target, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The project's files. On a board the program serves the protocol, as the Arduino sketch."""
    inside = {**sources, **firmware.read_tree("src"), "tl_port.h": firmware.read("port/tl_port.h")}
    program = {"src/main.c": example(model)}
    if target.platformio_board:
        inside |= firmware.read_tree("port/arduino")
        program = {"src/main.cpp": b"#include <Arduino.h>\n\n" + sketch(model)}
    framework = "arduino" if target.platformio_board else "*"
    return {
        **{f"lib/{model.name}/src/{name}": text for name, text in inside.items()},
        f"lib/{model.name}/library.json": _manifest(model, framework),
        "platformio.ini": _settings(model, target),
        **program,
    }
