"""build and validate: what they print, and what they make of damaged projects."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_tools import done, refused, tinylearn

from tinylearn.device.host import open_device
from tinylearn.device.twin import Twin

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc, a C compiler")
needs_arm = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("qemu-system-arm") is None,
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
Project = Callable[..., Path]


def change(path: Path, old: str, new: str) -> None:
    """Replaces the first occurrence, which must be there."""
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text, count=1))


# ---- validate ----


@needs_cc
@pytest.mark.parametrize(
    ("net", "options"),
    [
        ("mlp", ["--learn", "all"]),
        ("mlp", []),
        ("regressor", ["--learn", "all", "--momentum", "0.9"]),
        ("mlp", ["--head", "dense:0", "--max-classes", "4", "--at", "features"]),
    ],
)
def test_validate_json(project: Project, net: str, options: list[str]) -> None:
    folder = project(net, *options)
    found = done("validate", folder, "--samples", "9", "--seed", "3", "--json").json
    assert (found["samples"], found["seed"], found["mode"]) == (9, 3, "twin")
    assert found["oracle"] == "reference interpreter, float64"
    assert found["passed"] is True and found["tolerance"] == 1e-5
    assert 0 <= found["max_rel_err"] <= 1e-5 and 0 <= found["max_abs_err"] < 1e-4
    assert found["mismatched_bytes"] == 0
    learns = bool(options)
    assert found["learning_steps"] == (9 if learns else 0)
    assert set(found["outputs"]) == {"absolute", "relative", "mismatched_bytes"}
    assert ("weights" in found and "loss" in found) == learns


@needs_cc
def test_validate_prints_the_largest_errors(project: Project) -> None:
    folder = project("mlp", "--learn", "all")
    lines = done("validate", folder, "--mode", "host", "--samples", "4").out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["outputs", "loss", "weights"]
    assert all(float(line.split()[2]) < 1e-5 for line in lines[1:4])
    assert lines[-1] == (
        "4 inputs and 4 learning steps on the host, against the float64 reference interpreter"
    )


@needs_cc
def test_another_seed_tries_other_inputs(project: Project) -> None:
    words = ["validate", project("mlp", "--learn", "all"), "--samples", "4", "--json", "--seed"]
    first, again, other = (done(*words, seed).json for seed in (1, 1, 2))
    assert first == again and first["max_abs_err"] != other["max_abs_err"]


@needs_cc
def test_a_tolerance_that_is_not_met_is_code_5_after_the_figures(project: Project) -> None:
    words = ["validate", project("mlp", "--learn", "all"), "--tolerance", "1e-12", "--samples", "4"]
    result = tinylearn(*words, "--json")
    assert result.code == 5 and result.json["passed"] is False
    assert result.json["mismatched_bytes"] > 0
    assert result.err.count("\n") == 1 and "outputs, loss, weights differ" in result.err
    table = tinylearn(*words)
    assert table.code == 5 and "largest error" in table.out


@needs_cc
@pytest.mark.parametrize("options", [["--learn", "all"], []], ids=["initial", "frozen"])
def test_one_wrong_weight_is_found(copied: Project, options: list[str]) -> None:
    folder = copied("mlp", *options)
    source = (folder / "mlp.c").read_text()
    weight = re.findall(r"-?\d\.\d{4,}(?:e-?\d+)?f|-?0x1\.[0-9a-f]+p[-+]?\d+f?", source)[0]
    change(folder / "mlp.c", re.escape(weight), "0.75f")
    result = tinylearn("validate", folder, "--samples", "8", "--json")
    assert result.code == 5, (weight, result)
    assert result.json["passed"] is False and result.json["max_rel_err"] > 1e-4
    assert "outputs" in result.err and folder.name in result.err


@needs_cc
def test_validate_wants_the_port_with_serial_alone(project: Project) -> None:
    folder = project("mlp", "--learn", "all")
    refused(2, "validate", folder, "--mode", "serial", match="--mode serial needs --port")
    refused(2, "validate", folder, "--port", "/dev/ttyACM0", match="--port")
    refused(6, "validate", folder, "--mode", "serial", "--port", "/dev/ttyNONE", match="ttyNONE")


# ---- damaged projects ----


@pytest.mark.parametrize("verb", ["validate", "build"])
def test_folders_that_are_no_projects(tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name in ("gone", "file", "empty"):
        refused(2, verb, tmp_path / name, match=f"{name}: not a project")


INFOS = {
    "empty": "",
    "no json": "{",
    "binary": "\x00\x01\x02",
    "a list": "[]",
    "a number": "7",
    "nothing in it": "{}",
    "no target": '{"name": "mlp"}',
    "unknown target": '{"name": "mlp", "target": "toaster"}',
    "other name": '{"name": "mpl", "target": "cortex-m4f"}',
    "another place": '{"name": "../mlp", "target": "cortex-m4f"}',
}


@pytest.mark.parametrize("content", INFOS.values(), ids=INFOS)
@pytest.mark.parametrize("verb", ["validate", "build"])
def test_a_damaged_info_file_is_one_line(copied: Project, verb: str, content: str) -> None:
    folder = copied("mlp")
    (folder / "Makefile").write_text("all:\n\t@true\n")
    (folder / "mlp_info.json").write_text(content)
    result = tinylearn(verb, folder)
    assert result.code in (1, 2, 3) and result.out == ""
    assert result.err.startswith(f"tinylearn {verb}: ") and result.err.count("\n") == 1


@pytest.mark.parametrize("flash", ["7", '{"weights": "many"}', "{}"])
def test_an_info_file_without_sizes_is_one_line(copied: Project, flash: str) -> None:
    folder = copied("mlp")
    text = f'{{"name": "mlp", "target": "cortex-m4f", "flash": {flash}}}'
    (folder / "mlp_info.json").write_text(text)
    refused(2, "build", folder, match="mlp_info.json: damaged (no flash/weights)")


def test_two_info_files_are_one_too_many(copied: Project) -> None:
    folder = copied("mlp")
    shutil.copy(folder / "mlp_info.json", folder / "x_info.json")
    refused(2, "validate", folder, match="not a project")


GRAPHS = {
    "gone": None,
    "empty": b"",
    "garbage": bytes(range(256)) * 9,
    "truncated": 0.5,
    "a pickle": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix.",
}


@needs_cc
@pytest.mark.parametrize("content", GRAPHS.values(), ids=GRAPHS)
def test_a_damaged_graph_file_is_one_line(copied: Project, content: bytes | float | None) -> None:
    folder = copied("mlp", "--learn", "all")
    path = folder / "mlp_graph.npz"
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    refused(2, "validate", folder, match="mlp_graph.npz")


def test_flipped_bytes_in_the_graph_file_never_end_in_a_traceback(copied: Project) -> None:
    folder, random = copied("mlp", "--learn", "all"), np.random.default_rng(0)
    path = folder / "mlp_graph.npz"
    whole = path.read_bytes()
    for at in random.integers(0, len(whole), 25):
        damaged = bytearray(whole)
        damaged[at] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        result = tinylearn("validate", folder, "--samples", "1")
        assert result.code in (0, 2, 3, 5) and result.err.count("\n") <= 1, result


@needs_cc
def test_the_graph_of_another_model_is_found(copied: Project, project: Project) -> None:
    folder, other = copied("mlp", "--learn", "all"), project("other", "--learn", "all")
    shutil.copy(other / "other_graph.npz", folder / "mlp_graph.npz")
    refused(5, "validate", folder, match="twin of mlp: runs another model")


@needs_cc
@pytest.mark.parametrize("name", ["mlp.c", "mlp_device.c", "tinylearn/tl_session.c"])
def test_a_project_without_a_source_is_one_line(copied: Project, name: str) -> None:
    folder = copied("mlp", "--learn", "all")
    (folder / name).unlink()
    refused(2, "validate", folder, match=name)


@needs_cc
def test_code_that_does_not_compile_is_told_with_the_compilers_words(copied: Project) -> None:
    folder = copied("mlp", "--learn", "all")
    change(folder / "mlp.c", "#include", "this is no C\n#include")
    result = tinylearn("validate", folder)
    assert (result.code, result.out) == (1, "")
    assert "mlp.c" in result.err and "error" in result.err and "Traceback" not in result.err


# ---- build, and the emulated board ----


@needs_arm
def test_build_shows_the_sizes(project: Project) -> None:
    folder = project("mlp", "--learn", "all")
    found = done("build", folder, "--json").json
    info = json.loads((folder / "mlp_info.json").read_text())
    assert found["model_weights_bytes"] == info["flash"]["weights"] == 4 * 51
    assert found["model_ram_bytes"] == info["ram_bytes"]
    assert 500 < found["model_code_bytes"] < 8000
    assert found["image_flash_bytes"] > found["model_code_bytes"] + found["model_weights_bytes"]
    assert found["image_ram_bytes"] > found["model_ram_bytes"]
    assert Path(found["elf"]).read_bytes()[:4] == b"\x7fELF"
    text = done("build", folder).out
    assert f"{found['image_flash_bytes']:,}\n" in text and "next: tinylearn run" in text


@needs_arm
def test_build_that_fails_is_code_1_with_the_compilers_words(copied: Project) -> None:
    folder = copied("mlp", "--learn", "all")
    change(folder / "mlp.c", "#include", "int unused = 1.5;\n#include")
    result = tinylearn("build", folder, "--json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("tinylearn build: ") and "mlp.c:" in result.err
    assert "-Werror=float-conversion" in result.err


@needs_arm
def test_verbose_shows_what_the_compiler_was_told(copied: Project) -> None:
    folder = copied("mlp", "--learn", "all")
    shutil.rmtree(folder / "build", ignore_errors=True)
    result = tinylearn("build", folder, "--json", "--verbose")
    assert result.code == 0 and result.json["elf"].endswith("mlp.elf")
    assert "arm-none-eabi-gcc" in result.err


@needs_arm
@pytest.mark.emulated
def test_validate_on_the_emulated_board(project: Project) -> None:
    words = ["validate", project("mlp", "--learn", "all"), "--samples", "6", "--json", "--mode"]
    board, twin = done(*words, "emulator").json, done(*words, "twin").json
    assert board.pop("mode") == "emulator" and twin.pop("mode") == "twin"
    assert board == twin, "the twin rounds as the board does"


@needs_cc
def test_validating_leaves_the_device_with_initial_weights(project: Project) -> None:
    from tinylearn.device.validate import validate
    from tinylearn.emit.graph_file import load
    from tinylearn.pipeline import compile_graph

    folder = project("mlp", "--learn", "all")
    compiled = compile_graph(*load(folder / "mlp_graph.npz"))
    with open_device("twin", folder) as device:
        initial = device.read_weights()
        device.learn(np.ones(4), label=1)
        assert device.read_weights() != initial
        assert validate(device, compiled, 5, 0).passed, "it starts from the initial weights"
        assert device.read_weights() == initial
        assert isinstance(device.transport, Twin)


def test_without_compilers_the_missing_one_is_named(copied: Project) -> None:
    folder = copied("other", "--learn", "all")
    for verb, told in (("build", "make is not installed"), ("validate", "apt-get install gcc")):
        ran = subprocess.run(
            [sys.executable, "-m", "tinylearn", verb, folder], env={"PATH": "/nonexistent"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (7, "", 1)
        assert told in ran.stderr


@needs_arm
def test_a_project_for_a_fleet_announces_itself(project: Project) -> None:
    from tinylearn.fleet.agent import Agent
    from tinylearn.fleet.board import SerialBoard

    folder = project("mlp", "--learn", "all", "--fleet")
    with open_device("emulator", folder) as device:
        assert Agent("d", SerialBoard(device), None).announce()


def test_a_board_with_frames_too_small_for_a_fleet_is_refused(
    models: dict[str, Path], tmp_path: Path
) -> None:
    arguments = (models["mlp"], "-o", tmp_path / "p", "--target", "atmega328p", "--fleet")
    refused(3, "generate", *arguments, match="too small for a fleet")
