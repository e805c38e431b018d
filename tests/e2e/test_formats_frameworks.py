"""PlatformIO, Zephyr and ESP-IDF projects: structure by the documented rules, and C that compiles
with all warnings. The frameworks themselves are not needed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest
from cli_tools import done
from support import shared

from tinylearn.device.twin import load_twin

Project = Callable[..., Path]
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O2")
FORMATS = ("platformio", "zephyr", "esp-idf")


@pytest.fixture(scope="module")
def int8_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def generate(kind: str) -> Path:
        folder = tmp_path_factory.mktemp("int8") / "p"
        model = shared.folder("models") / "Hello_World.tflite"
        done("generate", model, "-o", folder, "--format", kind)
        return folder

    return generate


def compiled(sources: list[Path], include: list[Path], to: Path) -> Path:
    """Compiles and links for this computer."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    flags = [f"-I{folder}" for folder in include]
    command = ["gcc", *WARNINGS, *flags, *map(str, sources), "-lm", "-o", str(to)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stderr
    return to


def listed(folder: Path, text: str) -> list[Path]:
    """The .c files that a CMake list names."""
    return [folder / name for name in re.findall(r'^\s+"?([\w/]+\.c)"?\)?$', text, re.MULTILINE)]


def all_sources(folder: Path) -> set[Path]:
    top = set(folder.glob("*.c"))
    return top | set((folder / "tinylearn").rglob("*.c"))


# ---- PlatformIO ----


def test_platformio_library_has_its_manifest(project: Project) -> None:
    folder = project("cnn", "--learn", "all", "--format", "platformio")
    settings = ConfigParser()
    settings.read(folder / "platformio.ini")
    (environment,) = settings.sections()
    assert environment.startswith("env:") and settings[environment]["platform"]
    (manifest,) = folder.glob("lib/*/library.json")
    content = json.loads(manifest.read_text())
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", content["name"]) and len(content["name"]) <= 50
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", content["version"])
    source = manifest.parent / content["build"]["srcDir"]
    assert (source / content["headers"]).is_file()


def test_platformio_on_a_board_it_knows(project: Project) -> None:
    folder = project("cnn", "--format", "platformio", "--target", "raspberry-pi-pico")
    text = (folder / "platformio.ini").read_text()
    assert "[env:pico]" in text and "framework = arduino" in text
    assert "#include <Arduino.h>" in (folder / "src" / "main.cpp").read_text()


@pytest.mark.parametrize("int8", [False, True])
def test_platformio_program_runs_here(
    int8: bool, project: Project, int8_project: Callable[[str], Path], tmp_path: Path
) -> None:
    learning = ("cnn", "--learn", "all", "--format", "platformio")
    folder = int8_project("platformio") if int8 else project(*learning)
    (manifest,) = folder.glob("lib/*/library.json")
    source = manifest.parent / "src"
    files = [folder / "src" / "main.c", *source.rglob("*.c")]
    program = compiled(files, [source], tmp_path / "program")
    ran = subprocess.run([program], capture_output=True, text=True, timeout=20, check=True)
    assert re.search(r"y\[0\] = -?\d+", ran.stdout)


# ---- Zephyr ----


@pytest.mark.parametrize("int8", [False, True])
def test_zephyr_module(
    int8: bool, project: Project, int8_project: Callable[[str], Path], tmp_path: Path
) -> None:
    learning = ("cnn", "--learn", "all", "--format", "zephyr")
    folder = int8_project("zephyr") if int8 else project(*learning)
    module = (folder / "zephyr" / "module.yml").read_text()
    assert re.search(r"^name: \w+$", module, re.MULTILINE)
    assert "  cmake: .\n" in module and "  kconfig: Kconfig\n" in module
    (option,) = re.findall(r"^config (\w+)$", (folder / "Kconfig").read_text(), re.MULTILINE)
    assert "\n\tbool " in (folder / "Kconfig").read_text()
    lists = (folder / "CMakeLists.txt").read_text()
    assert f"if(CONFIG_{option})" in lists and "zephyr_library_named(" in lists
    sources = listed(folder, lists)
    assert set(sources) == all_sources(folder)
    (sample,) = (folder / "samples").iterdir()
    assert (sample / "prj.conf").read_text() == f"CONFIG_{option}=y\n"
    text = (sample / "sample.yaml").read_text()
    assert text.startswith("sample:\n") and re.search(r"^tests:\n  sample\.tinylearn\.", text, re.M)
    lists = (sample / "CMakeLists.txt").read_text()
    assert lists.index("EXTRA_ZEPHYR_MODULES") < lists.index("find_package(Zephyr")
    main = sample / "src" / "main.c"
    compiled([main, *sources], [folder, folder / "tinylearn"], tmp_path / "program")


# ---- ESP-IDF ----


@pytest.mark.parametrize("int8", [False, True])
def test_esp_idf_component(
    int8: bool, project: Project, int8_project: Callable[[str], Path], tmp_path: Path
) -> None:
    learning = ("cnn", "--learn", "all", "--format", "esp-idf")
    folder = int8_project("esp-idf") if int8 else project(*learning)
    lists = (folder / "CMakeLists.txt").read_text()
    assert "idf_component_register(" in lists and lists.count("(") == lists.count(")")
    sources = listed(folder, lists)
    assert set(sources) == all_sources(folder)
    manifest = (folder / "idf_component.yml").read_text()
    assert re.search(r'^version: "\d+\.\d+\.\d+"$', manifest, re.MULTILINE)
    (example,) = (folder / "examples").iterdir()
    assert "tools/cmake/project.cmake" in (example / "CMakeLists.txt").read_text()
    (path,) = re.findall(r"path: (\S+)", (example / "main" / "idf_component.yml").read_text())
    assert (example / "main" / path).resolve() == folder.resolve()
    main = tmp_path / "main.c"
    text = (example / "main" / "main.c").read_text()
    main.write_text(text + "\nint main(void) {\n  app_main();\n  return 0;\n}\n")
    flags = [folder, folder / "tinylearn"]
    main.write_text(
        main.read_text().replace(
            "void app_main(void) {", "void app_main(void);\nvoid app_main(void) {"
        )
    )
    compiled([main, *sources], flags, tmp_path / "program")


@pytest.mark.parametrize("kind", FORMATS)
def test_twin_of_every_format_is_the_same(kind: str, project: Project) -> None:
    """What the host compiles of a project gives the same model whatever its format."""
    if kind != "platformio":
        folder = project("cnn", "--learn", "all", "--format", kind)
        info = json.loads(next(folder.glob("*_info.json")).read_text())
        assert load_twin(folder, info["name"], "cortex-m4f").info.can_learn
        return
    folder = project("cnn", "--learn", "all", "--format", kind)
    assert done("validate", folder, "--samples", "4", "--json").json["passed"]
