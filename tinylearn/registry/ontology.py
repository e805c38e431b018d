"""Finds and reads what the ontology folder holds: inside the installed package, or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tinylearn.errors import TinylearnError


@cache
def root() -> Path:
    """The folder that holds tinylearn.ttl, shapes.ttl and contexts."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_ontology", package.parent / "ontology"):
        if folder.is_dir():
            return folder
    raise TinylearnError(
        "the ontology folder is missing from this installation; reinstall tinylearn"
    )


def read(path: str) -> bytes:
    """One file below the root."""
    return (root() / path).read_bytes()
