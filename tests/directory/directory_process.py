"""`tinylearn serve` as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tinylearn", "serve", *options]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*options), capture_output=True, text=True, timeout=60)


def start(store: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        command("--store", str(store), "--port", "0", "--json"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    text = ""
    while "}" not in text:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        text += line
    return process, json.loads(text)["url"]


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Its URL; killed at the end."""
    process, url = start(store)
    try:
        yield url
    finally:
        process.kill()
        process.communicate(timeout=20)
