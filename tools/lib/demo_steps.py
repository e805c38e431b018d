"""What the acts of the demo share: commands as a user gives them, and the digits."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np

TARGET = "cortex-m4f"


def digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits: x float32 [n, 8, 8, 1] in 0..1, y [n]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images[..., None] / 16).astype(np.float32), data.target.astype(np.int64)


def has_emulator() -> bool:
    """Whether the board can be built and emulated here."""
    return all(shutil.which(name) for name in ("arm-none-eabi-gcc", "qemu-system-arm", "make"))


def tinylearn(*words: str, quiet: bool = False) -> str:
    """Runs a command as a user would, and shows it."""
    print(f"\n$ tinylearn {' '.join(words)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "tinylearn", *words], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr.strip())
    if not quiet:
        print(done.stdout, end="", flush=True)
    return done.stdout
