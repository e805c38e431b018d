"""One result everywhere: vectors.c on emulated boards, with and without the assembly, against
the host with the same rounding; and the same program under AddressSanitizer and UBSan."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from library import HERE, INCLUDES, SANITIZE, has_fma

FLAGS = ["-std=gnu99", "-ffp-contract=off", *INCLUDES]
M3 = ("mps2-an385", ["-mcpu=cortex-m3"])
M4F = ("mps2-an386", ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"])
# board, options, whether sums are fused
BOARDS = {
    "m4f-assembly-O2": (M4F, ["-O2"], True),
    "m4f-assembly-O3": (M4F, ["-O3"], True),
    "m4f-assembly-Os": (M4F, ["-Os"], True),  # tightest in registers
    "m4f-portable": (M4F, ["-O2", "-DTL_USE_VFP=0"], True),
    "m4f-unfused": (M4F, ["-O2", "-DTL_USE_FMA=0"], False),
    "m3": (M3, ["-O2"], False),
}


ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # arrays live until the end


def run(command: list[str]) -> str:
    """Output of a command, errors included: there QEMU writes what a board says."""
    done = subprocess.run(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def on_host(folder: Path, name: str, *options: str) -> str:
    program = str(folder / name)
    sources = [str(HERE / "vectors.c"), str(HERE / "host.c")]
    run(["gcc", *FLAGS, *options, *sources, "-o", program])
    return run([program])


def on_board(folder: Path, board: tuple[str, list[str]], options: list[str]) -> str:
    machine, core = board
    program = str(folder / "vectors.elf")
    link = ["-nostartfiles", "--specs=nano.specs", "-T", str(HERE / "baremetal.ld")]
    sources = [str(HERE / "vectors.c"), str(HERE / "baremetal.c")]
    run(["arm-none-eabi-gcc", "-mthumb", *core, *FLAGS, *options, *link, *sources, "-o", program])
    console = ["-nographic", "-semihosting-config", "enable=on,target=native"]
    return run(["qemu-system-arm", "-M", machine, *console, "-kernel", program])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, str]:
    folder = tmp_path_factory.mktemp("host")
    results = {False: on_host(folder, "separate", "-O2", "-DTL_USE_FMA=0")}
    if has_fma():
        results[True] = on_host(folder, "fused", "-O2", "-mfma", "-DTL_USE_FMA=1")
    return results


def test_vectors_cover_and_stay_inside(host):
    lines = host[False].splitlines()
    assert len(lines) > 40
    assert "GUARD" not in host[False]
    assert len(set(lines)) == len(lines)


def test_the_two_roundings_differ(host):
    """Else the comparisons below would prove nothing about fusing."""
    if True not in host:
        pytest.skip("this processor has no FMA")
    assert host[True] != host[False]


def test_contraction_cannot_creep_in(host, tmp_path):
    """Where a compiler may fuse on its own, sums asked to be separate stay so."""
    if not has_fma():
        pytest.skip("this processor has no FMA")
    options = ["-O2", "-mfma", "-DTL_USE_FMA=0", "-ffp-contract=fast"]
    assert on_host(tmp_path, "contracting", *options) == host[False]


def test_no_access_outside_of_an_array(host, tmp_path):
    sanitizers = ["-fsanitize=address", *SANITIZE]
    assert on_host(tmp_path, "sanitized", "-O1", "-g", *sanitizers) == host[False]


@pytest.mark.parametrize("name", BOARDS)
def test_board_gives_the_bits_of_the_host(host, tmp_path, name):
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    board, options, fused = BOARDS[name]
    if fused not in host:
        pytest.skip("this processor has no FMA")
    assert on_board(tmp_path, board, options) == host[fused]
