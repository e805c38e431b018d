"""Finds the real data that lives beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def folder(name: str) -> Path:
    """A folder of the shared data; skips the test where it is absent."""
    path = ROOT.parent / "shared" / name
    if not path.is_dir():
        pytest.skip(f"needs the shared data folder {name} beside the repository")
    return path
