"""Finds and reads the firmware sources: inside the installed package, or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tinylearn.errors import TinylearnError

_SUFFIXES = (".c", ".cpp", ".h", ".ld")


@cache
def root() -> Path:
    """The folder that holds src, port and app."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_firmware", package.parent / "firmware"):
        if (folder / "src" / "tinylearn.h").is_file():
            return folder
    raise TinylearnError(
        "the firmware sources are missing from this installation; reinstall tinylearn"
    )


def read_tree(below: str) -> dict[str, bytes]:
    """Source files of one folder below the root, by path relative to it, sorted."""
    folder = root() / below
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in _SUFFIXES)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def read(path: str) -> bytes:
    """One file below the root."""
    return (root() / path).read_bytes()
