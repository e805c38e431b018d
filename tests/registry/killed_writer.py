"""Processes that write to a store until they are killed; see store_writer.py."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import store_writer


@contextmanager
def writer(mode: str, place: Path, first: int):
    """The child process; killed at the end."""
    command = [sys.executable, store_writer.__file__, mode, str(place), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def write_and_kill(mode: str, place: Path, first: int, after_s: float) -> int:
    """Kills so long after the first acknowledgement; returns the last round that was acknowledged."""
    with writer(mode, place, first) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return int(told.split(b"\n")[-2])  # what follows the last line end is empty or cut short
