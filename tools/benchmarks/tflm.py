"""RAM that TensorFlow Lite Micro's arena needs for a model, measured by its own Python package.

A child process runs it, as it writes to its standard output by itself. It is a build for a 64-bit
host: its persistent part (pointers, structures) is larger than on a microcontroller, its
non-persistent part, the activations, is the same.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_SCRIPT = """
import sys
from tflite_micro.python.tflite_micro import runtime
runtime.Interpreter.from_file(sys.argv[1]).print_allocations()
"""
_PARTS = {"total": "arena_bytes", "head": "activation_bytes"}


def arena(path: Path) -> dict[str, int] | None:
    """``arena_bytes`` of the whole and ``activation_bytes`` of the part that is shared over time;
    None where the package is not installed, or TFLM cannot run the model."""
    if find_spec("tflite_micro") is None:
        return None
    command = [sys.executable, "-c", _SCRIPT, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = {
        key: re.search(rf"Arena allocation {word} (\d+) bytes", done.stdout + done.stderr)
        for word, key in _PARTS.items()
    }
    if done.returncode != 0 or not all(found.values()):
        return None
    return {key: int(match[1]) for key, match in found.items() if match}
