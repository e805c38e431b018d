"""The emulator of AVR boards: simavr's library under a small program of ours, compiled here.

QEMU's AVR skips the wrong instruction now and then (7.2) and cannot count.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from tinylearn.device.build import require_program
from tinylearn.device.qemu import QemuTransport
from tinylearn.emit import firmware
from tinylearn.errors import MissingToolError
from tinylearn.targets.target import Target

_SOURCE = "port/simavr/run.c"
_FLAGS = ("-std=gnu99", "-O2")
_LIBRARIES = ("-lsimavr", "-lelf", "-lm")


class SimavrTransport(QemuTransport):
    """A board emulated by simavr."""

    def command(self, elf: Path, target: Target) -> list[str]:
        """Our program beside the ELF file, where there is one."""
        return [str(runner(elf.parent)), str(elf)] if elf.is_file() else []


def runner(folder: Path) -> Path:
    """The program that runs an AVR program, compiled into ``folder`` unless it is there.

    Raises MissingToolError without gcc or simavr's library.
    """
    source = firmware.root() / _SOURCE
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = folder / f"simavr-{digest}"
    if not program.is_file():
        _compile(source, program)
    return program


def _compile(source: Path, program: Path) -> None:
    compiler = require_program("gcc", ["gcc"], "which compiles the emulator's program")
    handle, unfinished = tempfile.mkstemp(dir=program.parent, prefix="simavr-", suffix=".part")
    os.close(handle)
    command = [compiler, *_FLAGS, str(source), *_LIBRARIES, "-o", unfinished]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        Path(unfinished).unlink(missing_ok=True)
        raise MissingToolError(
            "simavr's library is not installed, which emulates AVR boards; on Debian: apt-get "
            f"install libsimavr-dev libelf-dev\n{done.stderr.strip()[:400]}"
        )
    os.replace(unfinished, program)
