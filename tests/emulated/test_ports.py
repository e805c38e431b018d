"""Every port on its emulated board: boots, talks, counts instructions exactly, measures its
stack, keeps its flash over a reset, and stops instead of overwriting memory."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinylearn.device.qemu import QemuTransport
from tinylearn.emit import firmware
from tinylearn.emit.packaging._tree import port
from tinylearn.errors import DeviceError
from tinylearn.targets import all_targets
from tinylearn.targets.target import Target

pytestmark = pytest.mark.emulated

EMULATED = [t for t in all_targets() if t.emulator is not None and t.core != "AVR"]
PROBE = Path(__file__).with_name("probe.c")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SECONDS = 20.0
BOOT = b"boot" + struct.pack("<II", 0x600DDA7A, 0)


def compile_probe(target: Target, folder: Path, name: str = "probe", *flags: str) -> Path:
    """The probe with the target's port, built with the target's own flags."""
    files = {**port(target), "probe.c": PROBE.read_bytes(),
             "port/tl_flash.h": firmware.read("src/tl_flash.h")}  # fmt: skip
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(text)
    sources = sorted(path for path in files if path.endswith(".c"))
    elf = folder / f"{name}.elf"
    subprocess.run(
        [f"{target.cross_prefix}gcc", *target.cflags, *STRICT, *target.defines_flags, "-Iport",
         *sources, *target.ldflags, *flags, "-o", elf.name], cwd=folder, check=True,
    )  # fmt: skip
    return elf


@pytest.fixture(scope="module", params=EMULATED, ids=lambda target: target.name)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """Each emulated target whose tools are installed."""
    target: Target = request.param
    for program in (f"{target.cross_prefix}gcc", target.emulator.program):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return target


@pytest.fixture(scope="module")
def elf(board: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_probe(board, tmp_path_factory.mktemp(board.name))


@pytest.fixture
def line(board: Target, elf: Path) -> Iterator[QemuTransport]:
    transport = QemuTransport(elf, board)
    try:
        assert read(transport, len(BOOT)) == BOOT
        yield transport
    finally:
        transport.close()


def read(line: QemuTransport, n: int) -> bytes:
    data, deadline = b"", time.monotonic() + SECONDS
    while len(data) < n and time.monotonic() < deadline:
        data += line.receive(0.5)
    return data


def ask(line: QemuTransport, command: bytes, words: int) -> tuple[int, ...]:
    line.send(command)
    return struct.unpack(f"<{words}I", read(line, 4 * words))


def test_echoes_every_byte_value(line: QemuTransport) -> None:
    data = bytes(range(255))
    line.send(b"e" + bytes([len(data)]) + data)
    assert read(line, len(data)) == data
    line.send(b"e\x02\xff\x00" * 50)
    assert read(line, 100) == b"\xff\x00" * 50


def test_counts_instructions_exactly(line: QemuTransport) -> None:
    for _ in range(5):
        none, *lengths = ask(line, b"c", 4)
        assert none <= 2  # what the compiler puts between two calls
        extra = [length - nops for length, nops in zip(lengths, (100, 1000, 10000), strict=True)]
        assert all(0 <= e <= 2 for e in extra), lengths


def test_counting_does_not_drift_over_millions(line: QemuTransport) -> None:
    counts = {ask(line, b"l", 1)[0] for _ in range(3)}
    assert len(counts) == 1
    assert 2_000_000 <= counts.pop() <= 2_000_000 + 2000 * 6 + 10  # with the loop itself


def test_counts_the_same_in_every_run(board: Target, elf: Path, line: QemuTransport) -> None:
    mine = ask(line, b"l", 1) + ask(line, b"c", 4)
    other = QemuTransport(elf, board)
    try:
        assert read(other, len(BOOT)) == BOOT
        assert ask(other, b"l", 1) + ask(other, b"c", 4) == mine
    finally:
        other.close()


def test_stack_high_water_mark(line: QemuTransport) -> None:
    before, after, again = ask(line, b"s", 3)
    assert before <= 64
    assert 1000 <= after <= 1000 + 64
    assert again <= 64  # painted anew


def test_floating_point_runs(line: QemuTransport) -> None:
    line.send(b"f")
    assert struct.unpack("<f", read(line, 4)) == (1.5,)


def test_flash_keeps_over_a_reset_and_memory_starts_anew(line: QemuTransport) -> None:
    size, *results = ask(line, b"w", 7)
    refused = 0xFFFFFFFF
    assert size >= 2048
    assert results == [0, 0, refused, refused, refused, refused]
    line.send(b"q")
    assert read(line, len(BOOT)) == BOOT
    line.send(b"r")
    held = read(line, 128)
    assert held[:64] == b"\xff" * 64
    # the refused write could only clear bits of what was there
    assert all(h == (i * 7 + 1) & 0xFF & 0xFE for i, h in enumerate(held[64:]))


def test_main_returning_restarts(line: QemuTransport) -> None:
    line.send(b"m")
    assert read(line, len(BOOT)) == BOOT


def test_stack_overflow_ends_the_emulator(board: Target, line: QemuTransport) -> None:
    line.send(b"o")
    with pytest.raises(DeviceError, match=f"emulated {board.name}") as stopped:
        read(line, 4)
    pointer = re.search(r"R13=(\w+)", str(stopped.value))
    ram = {"cortex-m33": 0x38000000, "cortex-m55": 0x30000000}.get(board.name, 0x20000000)
    if board.name != "rv32":  # whose emulator ends without a word
        assert pointer is not None
        assert abs(int(pointer[1], 16) - ram) <= 128  # at once, not somewhere below


def test_too_large_a_program_does_not_link(board: Target, tmp_path: Path) -> None:
    size = board.ram_bytes
    with pytest.raises(subprocess.CalledProcessError):
        compile_probe(board, tmp_path, "large", f"-Wl,--defsym=TL_STACK_BYTES={size}")


def test_idle_board_leaves_the_host_alone(board: Target, line: QemuTransport) -> None:
    pid = qemu_pid(line)
    before, start = cpu_seconds(pid), time.monotonic()
    time.sleep(1.5)
    busy = (cpu_seconds(pid) - before) / (time.monotonic() - start)
    assert busy < 0.5


def qemu_pid(line: QemuTransport) -> int:
    children = Path(f"/proc/{line._keeper.pid}/task/{line._keeper.pid}/children")
    return int(children.read_text().split()[0])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True  # of another parent: our own are waited for
        time.sleep(0.05)
    return False


@pytest.fixture
def one_board(tmp_path: Path) -> tuple[Target, Path]:
    target = next(t for t in EMULATED if t.name == "cortex-m4f")
    for program in (f"{target.cross_prefix}gcc", target.emulator.program):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return target, compile_probe(target, tmp_path)


def test_close_ends_the_emulator(one_board: tuple[Target, Path]) -> None:
    line = QemuTransport(one_board[1], one_board[0])
    assert read(line, len(BOOT)) == BOOT
    pid = qemu_pid(line)
    line.close()
    line.close()
    assert not Path(f"/proc/{pid}").exists()
    assert line._keeper.returncode is not None
    with pytest.raises(DeviceError, match="closed"):
        line.send(b"e")


def test_emulator_ends_with_its_parent(one_board: tuple[Target, Path]) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tinylearn.device.qemu import QemuTransport\n"
        "from tinylearn.targets import find\n"
        "line = QemuTransport(Path(sys.argv[1]), find('cortex-m4f'))\n"
        "keeper = line._keeper.pid\n"
        "while not line.receive(1): pass\n"
        "print(Path(f'/proc/{keeper}/task/{keeper}/children').read_text().split()[0], flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [shutil.which("python3") or "python3", "-c", script, str(one_board[1])],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
    assert is_gone(pid)


def _paths() -> list[str]:
    import sys

    return [path for path in sys.path if path]


def test_a_machine_that_qemu_does_not_know_is_an_error(one_board: tuple[Target, Path]) -> None:
    from dataclasses import replace

    target, elf = one_board
    assert target.emulator is not None
    wrong = replace(target, emulator=replace(target.emulator, machine="no-such-board"))
    line = QemuTransport(elf, wrong)
    with pytest.raises(DeviceError, match="unsupported machine"):
        read(line, 1)
