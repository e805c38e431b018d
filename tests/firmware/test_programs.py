"""Power failures and fuzzing, in C under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess

import pytest
from c_runtime import program

VARIANTS = [
    (),
    ("TL_FRAME_BYTES=64", "TL_FLASH_UNIT=1"),
    ("TL_FRAME_BYTES=300", "TL_FLASH_UNIT=16"),
]


def run(*command: object) -> int:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("unit", ["TL_FLASH_UNIT=4", "TL_FLASH_UNIT=1", "TL_FLASH_UNIT=16"])
def test_power_fails_at_every_byte(unit: str) -> None:
    assert run(program("power_fail", unit)) > 100_000


@pytest.mark.parametrize("defines", VARIANTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_bytes(defines: tuple[str, ...], seed: int) -> None:
    valid = run(program("fuzz_session", *defines), seed, 60_000)
    assert valid > 20_000  # the fuzzer reaches behind the CRC


@pytest.mark.parametrize("frame", ["TL_FRAME_BYTES=256", "TL_FRAME_BYTES=80"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_random_messages_of_the_fleet(frame: str, seed: int) -> None:
    updates = run(program("fuzz_fleet", "TL_FLEET=1", frame), seed, 200_000)
    assert updates > 200  # the fuzzer gets through whole tasks
