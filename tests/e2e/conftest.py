"""Models as files and projects generated from them, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_tools import NETS, done


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`.keras` files by name."""
    folder = tmp_path_factory.mktemp("models")
    for name, net in NETS.items():
        (folder / f"{name}.keras").write_bytes(net())
    return {name: folder / f"{name}.keras" for name in NETS}


@pytest.fixture(scope="session")
def project(
    models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Generates a project of a model with options; tests must not change it."""
    folder, made = tmp_path_factory.mktemp("projects"), dict[tuple[str, ...], Path]()

    def generate(name: str, *options: str) -> Path:
        key = (name, *options)
        if key not in made:
            out = folder / f"p{len(made)}"
            done("generate", models[name], "-o", out, *options)
            made[key] = out
        return made[key]

    return generate


@pytest.fixture
def copied(project: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of such a project, with what was built of it, for tests that damage it."""

    def copy(name: str, *options: str) -> Path:
        return Path(shutil.copytree(project(name, *options), tmp_path / "copy"))

    return copy
