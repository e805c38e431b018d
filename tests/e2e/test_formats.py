"""Output formats: each is built, or compiled as its users would, from what generate wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cli_tools import done, refused, snapshot

from tinylearn.device.build import build_project
from tinylearn.emit import packaging
from tinylearn.report.size import sizes_of
from tinylearn.targets import all_targets, find
from tinylearn.targets.target import Target

Project = Callable[..., Path]
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
TARGETS = all_targets()
LEARNS = ("--learn", "all")
with_port = pytest.mark.parametrize(
    "target", [t for t in TARGETS if t.ports and t.core != "AVR"], ids=lambda t: t.name
)
without_port = pytest.mark.parametrize(
    "target", [t for t in TARGETS if not t.ports], ids=lambda t: t.name
)

#: as much of an Arduino core as the generated library uses
ARDUINO_H = """
#include <stddef.h>
#include <stdint.h>
struct FakeSerial {
  void begin(unsigned long); int available(); int read();
  size_t write(const uint8_t *, size_t);
  void flush();
};
extern FakeSerial Serial;
struct FakeEsp { void restart(); uint32_t getCycleCount(); };
extern FakeEsp ESP;
unsigned long micros();
void yield();
void setup();
void loop();
"""


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Runs a tool that must succeed; fails with what it printed."""
    ran = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True,
                         timeout=300, check=False)  # fmt: skip
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


# ---- makefile ----


@with_port
def test_makefile_builds_for_every_target(project: Project, target: Target) -> None:
    program("make"), program(f"{target.cross_prefix}gcc")
    folder = project("cnn", *LEARNS, "--target", target.name)
    text = (folder / "Makefile").read_text()
    assert "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror" in text
    sizes = sizes_of(build_project(folder, "cnn", target))
    assert 0 < sizes.flash < target.flash_bytes and sizes.data + sizes.zeroed < target.ram_bytes


@without_port
@pytest.mark.parametrize("kind", ["makefile", "cmake"])
def test_a_board_without_a_port_gets_no_project_that_cannot_be_built(
    models, tmp_path: Path, target: Target, kind: str
) -> None:
    words = ["generate", models["mlp"], "-o", tmp_path / "p", "--target", target.name]
    told = refused(3, *words, "--format", kind, match=f"target {target.name}: no start-up code")
    assert "--format arduino" in told and "--format library" in told
    assert not list(tmp_path.iterdir())


@without_port
@pytest.mark.parametrize("kind", ["arduino", "library"])
def test_a_board_without_a_port_gets_the_other_formats(models, tmp_path, target, kind) -> None:
    out = tmp_path / "p"
    done("generate", models["mlp"], "-o", out, "--target", target.name, "--format", kind)
    info = json.loads((out / "mlp_info.json").read_text())
    assert (info["target"], info["format"]) == (target.name, kind)
    assert not (out / "Makefile").exists()


def test_make_size_and_clean(copied: Project) -> None:
    program("make"), program("arm-none-eabi-gcc")
    folder = copied("cnn", *LEARNS)
    assert "cnn.elf" in run("make", "-j2", "size", cwd=folder)
    run("make", "clean", cwd=folder)
    assert not (folder / "build").exists()


# ---- cmake ----


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4f", "rv32"])
def test_cmake_builds_with_the_cross_compiler(models, tmp_path: Path, name: str) -> None:
    target = find(name)
    program("cmake"), program(f"{target.cross_prefix}gcc")
    out = tmp_path / "p"
    words = ["--target", name, "--format", "cmake", *LEARNS]
    text = done("generate", models["cnn"], "-o", out, *words).out
    steps = text.partition("next: ")[2].strip().split(" && ")
    assert [step.split()[0] for step in steps] == ["cmake", "cmake"]
    for step in steps:
        assert "warning" not in run(*step.split()).lower()
    image = sizes_of(out / "build" / "cnn_device.elf")
    assert image.flash < target.flash_bytes and image.data + image.zeroed < target.ram_bytes
    assert (out / "build" / "libcnn.a").is_file()


def test_cmake_library_target_builds_for_the_host(project: Project, tmp_path: Path) -> None:
    program("cmake"), program("cc")
    folder = project("cnn", "--format", "cmake", *LEARNS)
    run("cmake", "-S", folder, "-B", tmp_path / "b")
    run("cmake", "--build", tmp_path / "b", "--target", "cnn")
    assert (tmp_path / "b" / "libcnn.a").is_file()
    user = tmp_path / "main.c"
    user.write_text(
        '#include "cnn.h"\nstatic cnn_t m;\nstatic float x[CNN_INPUTS], y[CNN_OUTPUTS];\n'
        "int main(void) {\n  cnn_init(&m);\n  cnn_predict(&m, x, y);\n"
        "  return cnn_learn_label(&m, x, 1) > 0.0f && y[0] > 0.0f ? 0 : 1;\n}\n"
    )
    includes = (f"-I{folder}", f"-I{folder / 'tinylearn'}")
    run("cc", "-std=c99", *WARNINGS, *includes, user, tmp_path / "b" / "libcnn.a",
        "-o", tmp_path / "user")  # fmt: skip
    run(tmp_path / "user")


# ---- arduino ----

#: https://arduino.github.io/arduino-cli/latest/library-specification/
REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
            "architectures")  # fmt: skip
CATEGORIES = {"Display", "Communication", "Signal Input/Output", "Sensors", "Device Control",
              "Timing", "Data Storage", "Data Processing", "Other"}  # fmt: skip
NANO = "arduino-nano-33-ble"


@pytest.fixture(scope="module")
def arduino(project: Project) -> Path:
    return project("cnn", "--format", "arduino", "--target", NANO, *LEARNS)


def test_arduino_library_follows_the_specification(arduino: Path) -> None:
    lines = (arduino / "library.properties").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert set(REQUIRED) <= set(found) and all(found.values())
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9 _.-]{0,62}", found["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["version"])
    assert found["category"] in CATEGORIES and found["sentence"].endswith(".")
    assert (arduino / "src" / found["includes"]).is_file()
    sketches = [path.relative_to(arduino / "examples") for path in arduino.rglob("*.ino")]
    assert sketches == [Path("cnn_device", "cnn_device.ino")]
    outside = [path for path in arduino.rglob("*.[ch]") if path.parent != arduino / "src"]
    assert {path.parent.relative_to(arduino) for path in outside} <= {Path("src", "kernels")}


def sources(arduino: Path, suffix: str) -> list[Path]:
    return sorted((arduino / "src").rglob(f"*{suffix}"))


def objects(compiler: str, files: Sequence[Path], out: Path, *flags: str | Path) -> None:
    """Compiles all files at once, each as a translation unit of its own."""
    out.mkdir(exist_ok=True)
    run(compiler, *flags, "-c", *files, cwd=out)


def test_arduino_library_and_its_example_compile_and_link(arduino: Path, tmp_path: Path) -> None:
    """With the Nano 33 BLE's core flags; only the Arduino core itself may be missing."""
    gcc, gxx = program("arm-none-eabi-gcc"), program("arm-none-eabi-g++")
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    flags, include = find(NANO).cflags, (f"-I{arduino / 'src'}", f"-I{tmp_path}")
    sketch = tmp_path / "sketch.cpp"
    text = (arduino / "examples" / "cnn_device" / "cnn_device.ino").read_text()
    sketch.write_text(f"#include <Arduino.h>\n{text}")
    out = tmp_path / "objects"
    objects(gcc, sources(arduino, ".c"), out, *flags, *WARNINGS, "-std=gnu11", *include)
    objects(gxx, [*sources(arduino, ".cpp"), sketch], out, *flags, "-Wall", "-Wextra", "-Werror",
            "-std=gnu++14", "-fno-exceptions", "-fno-rtti", *include)  # fmt: skip
    whole = tmp_path / "whole.o"
    run(gcc, "-r", "-nostdlib", *sorted(out.glob("*.o")), "-o", whole)
    undefined = set(re.findall(r" U (\w+)", run("arm-none-eabi-nm", whole)))
    core = {"_Z5yieldv", "_Z6microsv", "Serial"}
    library = {name for name in undefined if name.startswith(("mem", "str", "__aeabi_"))}
    others = {name for name in undefined - core - library if "FakeSerial" not in name}
    assert others <= {"NVIC_SystemReset"}, "all that the sketch needs is in the library"


def test_arduino_sketch_compiles_for_every_board(arduino: Path, tmp_path: Path) -> None:
    gxx = program("g++")
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    sketch = arduino / "examples" / "cnn_device" / "cnn_device.ino"
    for standard in ("gnu++11", "gnu++17"):
        run(gxx, "-fsyntax-only", f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-include",
            tmp_path / "Arduino.h", f"-I{arduino / 'src'}", "-x", "c++", sketch)  # fmt: skip


# ---- library, headers ----


def test_library_format_compiles_as_it_says(project: Project, tmp_path: Path) -> None:
    gcc = program("gcc")
    folder = project("cnn", "--format", "library", *LEARNS)
    files = [*folder.glob("*.c"), *(folder / "tinylearn").glob("*.c")]
    objects(gcc, sorted(files), tmp_path / "o", "-std=c99", *WARNINGS, "-O2", f"-I{folder}",
            f"-I{folder / 'tinylearn'}")  # fmt: skip
    assert len(list((tmp_path / "o").glob("*.o"))) == len(files)


@pytest.mark.parametrize("net", ["cnn", "regressor"])
def test_headers_are_read_by_cxx_compilers(project: Project, tmp_path: Path, net: str) -> None:
    gxx = program("g++")
    folder = project(net, "--format", "library", *LEARNS)
    user = tmp_path / "user.cpp"
    verbs = ("init", "predict", "learn", "learn_label", "set_learning_rate")
    uses = "\n".join(f"  (void)&{net}_{verb};" for verb in verbs)
    user.write_text(f'#include "{net}.h"\n#include "tl_session.h"\nint main() {{\n{uses}\n}}\n')
    includes = (f"-I{folder}", f"-I{folder / 'tinylearn'}")
    for standard in ("c++11", "c++20"):
        run(gxx, "-fsyntax-only", f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            *includes, user)  # fmt: skip
    objects(gxx, [user], tmp_path / "o", *includes)
    undefined = re.findall(r" U (\w+)", run("nm", tmp_path / "o" / "user.o"))
    assert set(undefined) <= {f"{net}_{verb}" for verb in verbs}, "C linkage, no mangled names"


# ---- every format ----

_GENERATE = """
import sys
from tinylearn.cli.main import main
model, *formats = sys.argv[1:]
for name in formats:
    options = ["--learn", "all", "--momentum", "0.9", "--max-classes", "5"]
    assert main(["generate", model, "-o", name, "--format", name, *options]) == 0
"""


def test_same_model_same_bytes_whatever_the_folder_and_the_hash_seed(models, tmp_path) -> None:
    made = []
    for seed, below in (("1", "here"), ("4242", "some where/else")):
        folder = tmp_path / below
        folder.mkdir(parents=True)
        shutil.copy(models["cnn"], folder / "cnn.keras")
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC{seed[0]}"}
        subprocess.run([sys.executable, "-c", _GENERATE, folder / "cnn.keras", *packaging.names()],
                       cwd=folder, env=environment, check=True, capture_output=True)  # fmt: skip
        made.append(snapshot(folder))
    assert made[0] == made[1] and len(made[0]) > 100
    for name, content in made[0].items():
        assert str(tmp_path).encode() not in content, name


@pytest.mark.parametrize("kind", packaging.names())
def test_every_format_says_what_is_next(models, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "p"
    text = done("generate", models["mlp"], "-o", out, "--format", kind).out
    following = text.splitlines()[1].partition("next: ")[2]
    assert str(out) in following and "{" not in following
    assert kind == packaging.find(kind).NAME and packaging.find(kind).TITLE
