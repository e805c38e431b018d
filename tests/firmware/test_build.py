"""The runtime as it is built for boards: warnings, sizes, and numbers that two files share."""

from __future__ import annotations

import re
import shutil
import subprocess
from enum import IntEnum
from pathlib import Path

import pytest
from c_runtime import FLAGS, SOURCES

from tinylearn.device import blob, messages

CORES = {
    "cortex-m0": "arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb",
    "cortex-m4f": "arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
    "rv32imac": "riscv64-unknown-elf-gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32",
}
UNWIND = ["-fno-asynchronous-unwind-tables"]
MOST_CODE = {"cortex-m0": 9300, "cortex-m4f": 8300, "rv32imac": 12600}
"""Bytes of the whole runtime and the device program at -Os, without the compiler's library."""
MOST_SESSION = 528
"""Bytes of tl_session_t on a 32-bit core with frames of 256 bytes."""
MOST_FLEET_CODE = {"cortex-m0": 5150, "cortex-m4f": 4500, "rv32imac": 7000}
MOST_FLEET = 100
"""The same of the part in a fleet, on top."""


def compiler(core: str) -> list[str]:
    command = CORES[core].split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return command


def sections(folder: Path, prefix: str) -> int:
    """Bytes of code and constants of the objects in a folder."""
    objects = sorted(map(str, folder.glob("*.o")))
    lines = subprocess.check_output([prefix + "size", *objects], text=True).splitlines()[1:]
    return sum(int(line.split()[0]) for line in lines)


@pytest.mark.parametrize("core", CORES)
def test_the_runtime_builds_without_a_warning_and_stays_small(core: str, tmp_path: Path) -> None:
    build_runtime(core, tmp_path, MOST_CODE[core], MOST_SESSION)


@pytest.mark.parametrize("core", CORES)
def test_the_part_in_a_fleet_stays_small(core: str, tmp_path: Path) -> None:
    code = MOST_CODE[core] + MOST_FLEET_CODE[core]
    build_runtime(core, tmp_path, code, MOST_SESSION + MOST_FLEET, "-DTL_FLEET=1")


def build_runtime(
    core: str, tmp_path: Path, most_code: int, most_session: int, *flags_: str
) -> None:
    command = compiler(core)
    app = SOURCES.parent / "app" / "main.c"
    includes = [f"-I{SOURCES}", f"-I{SOURCES.parent / 'port'}"]
    probe = tmp_path / "probe.c"
    probe.write_text(
        '#include "tl_session.h"\n'
        f"typedef char fits[sizeof(tl_session_t) <= {most_session} ? 1 : -1];\n"
        "extern fits probe;\n"
    )
    files = [*sorted(map(str, SOURCES.glob("tl_*.c"))), str(app), str(probe)]
    flags = [*(flag for flag in FLAGS if flag not in ("-g", "-O1")), *flags_]
    subprocess.run(
        [*command, *flags, *UNWIND, "-Os", *includes, "-c", *files], cwd=tmp_path, check=True
    )
    assert sections(tmp_path, command[0].removesuffix("gcc")) <= most_code


def test_the_runtime_needs_no_heap_and_no_library_but_string_h(tmp_path: Path) -> None:
    command = compiler("cortex-m4f")
    files = sorted(map(str, SOURCES.glob("tl_*.c")))
    build = [*command, "-std=c99", "-Os", "-DTL_FLEET=1", f"-I{SOURCES}", "-c", *files]
    subprocess.run(build, cwd=tmp_path, check=True)
    objects = sorted(map(str, tmp_path.glob("*.o")))
    lines = subprocess.check_output(["arm-none-eabi-nm", *objects], text=True).splitlines()
    needed = {line.split()[1] for line in lines if line.split()[:1] == ["U"]}
    outside = {name for name in needed if not name.startswith("tl_")}
    assert outside <= {"memcpy", "memcmp", "memset", "strlen"}


def numbers(header: str) -> dict[str, int]:
    """Constants of a C header: enumerators and defines."""
    text = (SOURCES / header).read_text()
    found = re.findall(r"\b(TL_\w+) = (0x[0-9a-f]+|\d+)", text)
    found += re.findall(r"#define (TL_\w+) (0x[0-9a-f]+|\d+)u?\b", text)
    return {name: int(value, 0) for name, value in found}


@pytest.mark.parametrize(
    ("enum", "prefix", "header"),
    [
        (messages.Area, "TL_AREA_", "tl_message.h"),
        (messages.Setting, "TL_SET_", "tl_message.h"),
        (messages.Reset, "TL_RESET_", "tl_message.h"),
        (messages.ErrorCode, "TL_E_", "tl_message.h"),
        (messages.LearnMode, "TL_LEARN_", "tl_learner.h"),
        (messages.Loss, "TL_LOSS_", "tinylearn.h"),
        (messages.Status, "TL_", "tl_learner.h"),
        (messages.Type, "TL_", "tl_message.h"),
        (messages.Capability, "TL_CAN_", "tl_message.h"),
        (messages.Flag, "TL_FLAG_", "tl_message.h"),
    ],
)
def test_host_and_device_agree_on_every_number(
    enum: type[IntEnum], prefix: str, header: str
) -> None:
    there = numbers(header)
    members = {prefix + member.name: int(member) for member in enum if member}
    assert members == {name: there.get(name) for name in members}


def test_host_and_device_agree_on_sizes() -> None:
    there = numbers("tl_message.h") | numbers("tl_blob.h")
    assert there["TL_PROTOCOL_VERSION"] == messages.PROTOCOL_VERSION
    assert there["TL_BLOB_VERSION"] == blob.VERSION
    assert there["TL_BLOB_HEADER_BYTES"] == blob.HEADER.size
    assert there["TL_BLOB_TRAILER_BYTES"] == blob.TRAILER.size
    assert there["TL_BLOB_MARK"] == int.from_bytes(blob.END_MARK, "little")
    for name, layout in (
        ("TL_INFO_BYTES", messages.INFO),
        ("TL_ERROR_BYTES", messages.ERROR),
        ("TL_READ_HEAD_BYTES", messages.READ_HEAD),
        ("TL_PREDICT_HEAD_BYTES", messages.PREDICT_HEAD),
        ("TL_LEARN_REPLY_BYTES", messages.STEP),
        ("TL_METRICS_BYTES", messages.METRICS),
        ("TL_MESSAGE_HEADER_BYTES", messages.HEADER),
    ):
        assert there[name] == layout.size, name
