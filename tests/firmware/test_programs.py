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
