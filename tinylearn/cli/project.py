"""Options and steps shared by the verbs that work on a generated project."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError, UsageError

_LARGEST = 1 << 28


def add_project(verb: argparse.ArgumentParser) -> None:
    """The positional argument DIR."""
    verb.add_argument("project", metavar="DIR", help="a folder written by `tinylearn generate`")


def add_device(verb: argparse.ArgumentParser) -> None:
    """Where the project runs."""
    verb.add_argument("--device", default="twin", metavar="twin|emulator|serial:PORT",
                      help="host twin (default), emulated board, or a board on a serial port")  # fmt: skip


def number(info: dict[str, Any], *keys: str) -> int:
    """A size in a project's info file; raises BadInputError where it is not there."""
    value: Any = info
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int):
        raise BadInputError(
            f"{info['name']}_info.json: damaged (no {'/'.join(keys)}); generate the project again"
        )
    return value


def check_writable(path: Path) -> None:
    """Raises UsageError, before any work, where a file cannot be written to ``path``."""
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path}: cannot be written; name a file in a folder that exists")


def read_bytes(path: Path) -> bytes:
    """A file's bytes; raises BadInputError where it cannot be read or is absurdly large."""
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"{path}: larger than {_LARGEST} bytes; these are no weights")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from None
