"""A wheel built from the repository holds the firmware and works far away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cli_tools import ROOT

from tinylearn import __version__

pytest.importorskip("hatchling", reason="needs hatchling to build the wheel")
PARTS = ("pyproject.toml", "README.md", "LICENSE", "tinylearn", "firmware", "ontology")

#: where folders beside the package are in the wheel
INSIDE = {"firmware": "tinylearn/_firmware/", "ontology": "tinylearn/_ontology/"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's file, built offline from a copy of the tree."""
    folder = tmp_path_factory.mktemp("tree")
    for name in PARTS:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "build")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=folder,
                   check=True, capture_output=True, timeout=120)  # fmt: skip
    (found,) = (folder / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installer would put into site-packages."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_its_name_is_for_any_machine(wheel: Path) -> None:
    assert wheel.name == f"tinylearn-{__version__}-py3-none-any.whl"


def test_it_holds_the_whole_package_and_firmware_and_nothing_else(unpacked: Path) -> None:
    found = {
        path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()
    }
    info = f"tinylearn-{__version__}.dist-info/"
    wanted = {
        path.relative_to(ROOT).as_posix().replace(f"{part}/", INSIDE.get(part, f"{part}/"), 1)
        for part in ("tinylearn", *INSIDE)
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in found if not name.startswith(info)} == wanted
    for name in ("src/tinylearn.h", "src/tl_session.c", "port/tl_port.h", "port/twin/twin.c",
                 "port/cortex_m/startup.c", "port/arduino/tl_port_arduino.cpp", "app/main.c",
                 "FORMAT.md"):  # fmt: skip
        assert f"tinylearn/_firmware/{name}" in found
    for name in ("index.html", "icon.svg", "theme.css", "main.js", "views/matrix.js"):
        assert f"tinylearn/directory/page/{name}" in found
    assert f"{info}licenses/LICENSE" in found
    assert (unpacked / info / "entry_points.txt").read_text().split() == [
        "[console_scripts]", "tinylearn", "=", "tinylearn.cli.main:main",
    ]  # fmt: skip


_LAUNCH = """
import os, sys
root = os.environ["CHECKOUT"]
sys.path[:] = [p for p in sys.path if os.path.realpath(p or ".") != root]
from tinylearn.cli.main import main
code = main(sys.argv[1:])
inside = os.environ["PYTHONPATH"]
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] == "tinylearn":
        assert module.__file__.startswith(inside), module.__file__
sys.exit(code)
"""


def launch(unpacked: Path, cwd: Path, *words: str) -> str:
    """Runs a command of the unpacked wheel, without the checkout on the path; its stdout."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "CHECKOUT": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", _LAUNCH, *words], cwd=cwd, env=environment,
                         capture_output=True, text=True, check=False, timeout=120)  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_it_works_from_any_folder(unpacked: Path, models: dict[str, Path], tmp_path: Path) -> None:
    assert launch(unpacked, tmp_path, "--version").split() == ["tinylearn", __version__]
    launch(unpacked, tmp_path, "generate", str(models["cnn"]), "-o", "p", "--learn", "all")
    shipped = {p.name: p.read_bytes() for p in (ROOT / "firmware" / "src").glob("*.[ch]")}
    written = {p.name: p.read_bytes() for p in (tmp_path / "p" / "tinylearn").glob("*.[ch]")}
    assert written == shipped
    if shutil.which("cc") is None:
        pytest.skip("needs cc for the host twin")
    found = json.loads(launch(unpacked, tmp_path, "validate", "p", "--samples", "5", "--json"))
    assert found["passed"] is True and found["learning_steps"] == 5


def test_an_installation_without_firmware_says_so(unpacked: Path, models, tmp_path: Path) -> None:
    broken = tmp_path / "site"
    shutil.copytree(unpacked, broken, ignore=shutil.ignore_patterns("_firmware"))
    environment = {**os.environ, "PYTHONPATH": str(broken), "CHECKOUT": str(ROOT)}
    words = ["generate", str(models["mlp"]), "-o", "p"]
    ran = subprocess.run([sys.executable, "-c", _LAUNCH, *words], cwd=tmp_path, env=environment,
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "") and not (tmp_path / "p").exists()
    assert ran.stderr.startswith("tinylearn generate: the firmware sources are missing")
