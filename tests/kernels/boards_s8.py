"""Builds a program for an emulated target with the target's own port and flags, and runs it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from library import HERE, STRICT

from tinylearn.device.qemu import QemuTransport
from tinylearn.emit import firmware
from tinylearn.emit.packaging._tree import port
from tinylearn.targets.target import Target

SECONDS = 120.0
END = "end\n"


def build(target: Target, source: str, folder: Path, *flags: str) -> Path:
    """The ELF file of one source of this folder, board_s8.c and the port."""
    files = {**port(target), "port/tl_flash.h": firmware.read("src/tl_flash.h")}
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(text)
    sources = [
        str(HERE / source),
        str(HERE / "board_s8.c"),
        *sorted(f for f in files if f.endswith(".c")),
    ]
    includes = ["-Iport", "-I.", f"-I{HERE}", f"-I{firmware.root() / 'src'}"]
    elf = folder / f"{Path(source).stem}.elf"
    done = subprocess.run(
        [f"{target.cross_prefix}gcc", *target.cflags, *STRICT, *target.defines_flags, *flags, *includes,
         *sources, *target.ldflags, "-o", elf.name], cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:4000]
    return elf


def lines(target: Target, elf: Path) -> list[str]:
    """What the program says until its end."""
    line, text, deadline = QemuTransport(elf, target), "", time.monotonic() + SECONDS
    try:
        while END not in text:  # a program that ends is started again
            assert time.monotonic() < deadline, text[-200:]
            text += line.receive(1.0).decode()
    finally:
        line.close()
    return text.partition(END)[0].splitlines()
