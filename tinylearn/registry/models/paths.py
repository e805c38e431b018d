"""Paths as they may be told to others."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path) -> str:
    """From the current folder on, or the name alone: never where somebody's files lie."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError):
        return path.name
