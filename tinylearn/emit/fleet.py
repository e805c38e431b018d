"""Projects whose device takes part in a fleet: the library's option for it switched on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tinylearn.errors import UnsupportedError
from tinylearn.targets.target import Target

#: what the fleet client takes beside the device program, measured on a Cortex-M0; see firmware/README.md
FLASH_BYTES, RAM_BYTES = 6656, 128
_LEAST_FRAME = 80
_OFF, _ON = b"#define TL_FLEET 0", b"#define TL_FLEET 1"
_CONFIG = "tl_config.h"


def fleet_target(target: Target) -> Target:
    """The target, with a device program that is larger by the fleet client.

    Raises UnsupportedError where its frames are too small for the fleet's messages.
    """
    for define in target.defines:
        name, _, value = define.partition("=")
        if name == "TL_FRAME_BYTES" and int(value) < _LEAST_FRAME:
            raise UnsupportedError(
                f"target {target.name}: its frames of {value} bytes are too small for a fleet's "
                f"messages, which need {_LEAST_FRAME}; choose a board with more RAM"
            )
    return replace(target, program_flash=target.program_flash + FLASH_BYTES,
                   program_ram=target.program_ram + RAM_BYTES)  # fmt: skip


def switched_on(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a project whose library has the fleet client."""
    return {path: text.replace(_OFF, _ON) if path.endswith(_CONFIG) else text
            for path, text in files.items()}  # fmt: skip
