"""The target registry: complete, consistent with the ports, and helpful when asked wrongly."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shutil
import subprocess
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest

import tinylearn.targets
from tinylearn.emit import firmware
from tinylearn.errors import UnsupportedError
from tinylearn.targets import all_targets, find
from tinylearn.targets.target import TOOLCHAINS, Emulator, Target

TARGETS = all_targets()
#: by QEMU, on ports with linker scripts of ours; the AVR has a test file of its own
EMULATED = [t for t in TARGETS if isinstance(t.emulator, Emulator)]
BOARDS = [target for target in TARGETS if target.emulator is None]

each = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
each_emulated = pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)
each_board = pytest.mark.parametrize("target", BOARDS, ids=lambda target: target.name)

ARDUINO_H = """
#include <stddef.h>
#include <stdint.h>
struct FakeSerial {
  void begin(unsigned long); int available(); int read(); void flush();
  size_t write(const uint8_t *, size_t);
};
struct FakeEsp { void restart(); uint32_t getCycleCount(); };
extern FakeSerial Serial;
extern FakeEsp ESP;
unsigned long micros();
void yield();
"""


def test_a_module_is_a_target() -> None:
    modules = {m.name for m in pkgutil.iter_modules(tinylearn.targets.__path__)} - {"target"}
    for module in modules:
        target = importlib.import_module(f"tinylearn.targets.{module}").TARGET
        assert find(target.name) is target
    assert len(modules) == len(TARGETS) == len({target.name for target in TARGETS})


def test_the_targets_that_were_promised() -> None:
    assert {target.name for target in EMULATED} == {
        "cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55", "rv32",
    }  # fmt: skip
    assert {t.name for t in TARGETS} - {t.name for t in EMULATED + BOARDS} == {"atmega328p"}
    assert {target.name for target in BOARDS} == {
        "arduino-nano-33-ble", "arduino-nano-33-ble-sense", "raspberry-pi-pico",
        "raspberry-pi-pico-2", "nucleo-f446re", "esp32-c3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "flash_kb", "ram_kb", "mhz"),
    [
        ("cortex-m0", 256, 16, 16),
        ("arduino-nano-33-ble", 1024, 256, 64),
        ("arduino-nano-33-ble-sense", 1024, 256, 64),
        ("raspberry-pi-pico", 2048, 264, 133),
        ("raspberry-pi-pico-2", 4096, 520, 150),
        ("nucleo-f446re", 512, 128, 180),
        ("esp32-c3", 4096, 400, 160),
    ],
)
def test_real_boards_have_their_datasheet_figures(
    name: str, flash_kb: int, ram_kb: int, mhz: int
) -> None:
    target = find(name)
    figures = (target.flash_bytes // 1024, target.ram_bytes // 1024, target.clock_hz // 10**6)
    assert figures == (flash_kb, ram_kb, mhz)
    assert target.source


@each
def test_is_sound(target: Target) -> None:
    assert target.toolchain in TOOLCHAINS
    assert re.fullmatch(r"[a-z0-9-]+", target.name)
    assert target.ram_bytes > 0 and target.clock_hz > 0
    assert 0 < target.program_bytes <= target.flash_bytes
    assert target.fpu or not target.fma
    assert not any("fast-math" in flag for flag in target.cflags)
    assert "-ffp-contract=off" in target.cflags
    json.dumps(asdict(target))
    with pytest.raises(FrozenInstanceError):
        target.name = "another"  # type: ignore[misc]


def _origin_and_length(script: str, region: str) -> tuple[int, int]:
    found = re.search(rf"{region} \(\w+\)\s*: ORIGIN = (\w+), LENGTH = (\d+)([KM])", script)
    assert found, region
    return int(found[1], 16), int(found[2]) * {"K": 1024, "M": 1024**2}[found[3]]


@each_emulated
def test_linker_script_has_the_memory_that_the_target_claims(target: Target) -> None:
    folder = firmware.root() / "port" / target.ports[-1]
    script, header = (folder / "board.ld").read_text(), (folder / "board.h").read_text()
    assert _origin_and_length(script, "RAM")[1] == target.ram_bytes
    assert _origin_and_length(script, "FLASH")[1] == target.program_bytes
    store = re.search(r"TL_STORE_BYTES (0x\w+)u", header)
    assert store and int(store[1], 16) == _origin_and_length(script, "STORE")[1]
    assert target.store_bytes in (0, int(store[1], 16))
    assert isinstance(target.emulator, Emulator)
    assert f"-icount shift={target.emulator.icount}" in header


@each_emulated
def test_ports_do_not_overwrite_each_other_when_copied_flat(target: Target) -> None:
    folders = [firmware.root() / "port" / name for name in target.ports]
    names = [path.name for folder in folders for path in folder.iterdir()]
    assert len(names) == len(set(names))
    assert {"board.ld", "sections.ld", "startup.c"} <= set(names)


@each_emulated
def test_counter_is_exact_by_construction(target: Target) -> None:
    """A tick must be shorter than half an instruction for the rounding to be exact."""
    header = (firmware.root() / "port" / target.ports[-1] / "board.h").read_text()
    factor, shift = (
        int(found[1])
        for found in (re.search(rf"TL_TICK_{word} (\d+)", header) for word in ("FACTOR", "SHIFT"))
        if found
    )
    assert target.emulator is not None
    instructions_per_tick = factor / 2**shift
    assert instructions_per_tick < 0.5 or (instructions_per_tick == 1 and target.name == "rv32")


@each
def test_flags_are_what_the_compiler_makes_of_the_core(target: Target) -> None:
    compiler = shutil.which(f"{target.cross_prefix}gcc")
    if compiler is None:
        pytest.skip(f"{target.cross_prefix}gcc is not installed")
    done = subprocess.run(
        [compiler, *target.cflags, *target.defines_flags, "-dM", "-E", "-include",
         str(firmware.root() / "src" / "tl_config.h"), "-x", "c", "/dev/null"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    defined = set(done.stdout.splitlines())
    assert (f"#define TL_USE_FMA {int(target.fma)}" in defined) != (
        "TL_USE_FMA=1" in target.defines
    )
    has_fpu = any(re.match(r"#define (__ARM_FP|__riscv_flen) ", line) for line in defined)
    assert has_fpu == target.fpu


@each_board
def test_arduino_port_compiles(target: Target, tmp_path: Path) -> None:
    compiler = shutil.which(f"{target.cross_prefix}g++")
    if compiler is None:
        pytest.skip(f"{target.cross_prefix}g++ is not installed")
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    root = firmware.root()
    system = ["-DESP_PLATFORM"] if target.name == "esp32-c3" else []
    source = root / "port" / "arduino" / "tl_port_arduino.cpp"
    subprocess.run(
        [compiler, *target.cflags, *system, "-std=c++17", "-Wall", "-Wextra", "-Werror",
         f"-I{tmp_path}", f"-I{root / 'port'}", f"-I{root / 'src'}", "-c", str(source),
         "-o", str(tmp_path / "port.o")], check=True,
    )  # fmt: skip


def test_unknown_target_is_told_what_there_is() -> None:
    with pytest.raises(UnsupportedError, match=r"cortex-m4: not known; did you mean cortex-m4f\?"):
        find("cortex-m4")
    with pytest.raises(UnsupportedError, match="there are atmega328p, cortex-m0, cortex-m3"):
        find("zx-spectrum")
