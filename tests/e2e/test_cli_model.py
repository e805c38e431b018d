"""analyze and generate: what they print and write, and what they refuse."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cli_tools import NETS, done, keras_bytes, layer, refused, snapshot, tinylearn

from tinylearn.emit import write

# ---- analyze ----


def test_analyze_json_has_what_later_work_reads(models: dict[str, Path]) -> None:
    found = done("analyze", models["mlp"], "--target", "cortex-m0", "--learn", "all", "--json").json
    weights = 4 * (4 * 6 + 6 + 6 * 3 + 3)
    assert found["target"] == "cortex-m0" and found["fits"] is True and found["problems"] == []
    assert found["flash_weights"] == weights
    assert found["flash"] == weights + found["flash_code_estimate"]
    assert found["macs"] == 4 * 6 + 6 * 3 and found["macs_learning"] > 2 * found["macs"]
    assert found["ram_learning"] == sum(found["ram_by_purpose"].values())
    assert found["ram_by_purpose"]["weights"] == weights
    assert 4 * 6 <= found["ram_inference"] < found["ram_learning"]
    assert (found["target_ram"], found["target_flash"]) == (16 * 1024, 256 * 1024)
    assert [entry["name"] for entry in found["layers"]] == ["d0", "d1", "d1"]


def test_analyze_without_learning_has_no_learning_figures(models: dict[str, Path]) -> None:
    found = done("analyze", models["mlp"], "--json").json
    assert (found["ram_learning"], found["macs_learning"]) == (0, 0)
    assert found["loss"] == "none" and "weights" not in found["ram_by_purpose"]
    text = done("analyze", models["mlp"]).out
    assert "to infer\n" in text and "learning step" not in text


def test_ram_to_infer_is_that_of_the_same_network_without_learning(models) -> None:
    words = ["analyze", models["mlp"], "--json"]
    plain = done(*words).json["ram_inference"]
    assert done(*words, "--learn", "all").json["ram_inference"] == plain
    assert done(*words, "--ram", "400").json["ram_inference"] == plain
    head = done(*words, "--head", "dense:4", "--max-classes", "9", "--standardize", "features").json
    assert plain <= head["ram_inference"] < head["ram_learning"] - head["ram_by_purpose"]["weights"]


def test_analyze_prints_a_line_a_layer_and_the_verdict(models: dict[str, Path]) -> None:
    lines = done("analyze", models["mlp"], "--learn", "last:1", "--memory").out.splitlines()
    assert lines[0].split() == [
        "layer", "op", "output", "MAC", "flash", "B", "RAM", "forward", "B", "RAM", "learning",
        "B", "learns",
    ]  # fmt: skip
    rows = {line.split()[0]: line.split() for line in lines[1:3]}
    assert rows["d0"][1:6] == ["dense", "+", "relu", "6", "24"] and rows["d0"][-1] != "yes"
    assert rows["d1"][-1] == "yes"
    assert any(line.startswith("arena ") for line in lines)
    assert [line.split()[0] for line in lines[-4:]] == ["MAC", "flash", "RAM", "cortex-m4f"]
    assert lines[-1].endswith("with the device program: fits")


def test_analyze_says_what_does_not_fit_and_still_succeeds(models: dict[str, Path]) -> None:
    words = ["analyze", models["large"], "--target", "cortex-m0", "--learn", "all"]
    found = done(*words, "--json").json
    assert found["fits"] is False and "RAM" in found["problems"][0]
    last = done(*words).out.splitlines()[-1]
    assert "does NOT fit: RAM: " in last and "16,384 B there" in last


def test_a_ram_budget_chooses_how_deep_learning_goes(models: dict[str, Path]) -> None:
    words = ["analyze", models["mlp"], "--json", "--ram"]
    deep, shallow = done(*words, "10000").json, done(*words, "200").json
    assert [entry["learns"] for entry in deep["layers"][:2]] == [True, True]
    assert [entry["learns"] for entry in shallow["layers"][:2]] == [False, True]
    assert shallow["ram_learning"] <= 200 < deep["ram_learning"]
    refused(4, "analyze", models["mlp"], "--ram", "20", match="--ram allows 20")


# ---- generate ----


def test_generate_writes_a_project_and_says_what_is_next(models, tmp_path: Path) -> None:
    out = tmp_path / "a b" / "p"
    text = done("generate", models["mlp"], "-o", out, "--learn", "all").out.splitlines()
    assert text[0].startswith("mlp: ") and "B of weights in flash" in text[0]
    assert text[1] == f"written to {out}; next: tinylearn build '{out}'"
    info = json.loads((out / "mlp_info.json").read_text())
    assert sorted(snapshot(out)) == sorted([*info["files"], "mlp_info.json"])
    assert {"mlp.c", "mlp.h", "mlp_device.c", "Makefile", "MODEL_CARD.md"} <= set(info["files"])
    assert [path.name for path in out.parent.iterdir()] == ["p"], "nothing else is left behind"


def test_generate_json_is_the_info_file(models: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "p"
    found = done("generate", models["mlp"], "-o", out, "--name", "gesture", "--json").json
    info = json.loads((out / "gesture_info.json").read_text())
    del info["files"]
    assert found.pop("out") == str(out)
    assert found == info and info["name"] == "gesture"


def test_generating_again_replaces_the_folder_as_a_whole(models, tmp_path: Path) -> None:
    out = tmp_path / "p"
    done("generate", models["mlp"], "-o", out, "--name", "old")
    (out / "build").mkdir()
    (out / "build" / "old.o").write_bytes(b"x")
    done("generate", models["mlp"], "-o", out, "--name", "young")
    assert not [name for name in snapshot(out) if "old" in name]
    assert (out / "young.c").is_file()


@pytest.mark.parametrize("below", ["", "port", "a/b"])
def test_a_folder_with_other_files_is_not_touched(models, tmp_path: Path, below: str) -> None:
    out = tmp_path / "p"
    (out / below).mkdir(parents=True)
    (out / below / "thesis.tex").write_text("years of work")
    refused(2, "generate", models["mlp"], "-o", out, "--force", match="thesis.tex")
    assert list(snapshot(tmp_path)) == [str(Path("p", below, "thesis.tex"))]


def test_a_project_with_a_file_added_is_not_touched(models, tmp_path: Path) -> None:
    out = tmp_path / "p"
    done("generate", models["mlp"], "-o", out)
    (out / "notes.txt").write_text("mine")
    before = snapshot(tmp_path)
    refused(2, "generate", models["other"], "-o", out, match="notes.txt")
    assert snapshot(tmp_path) == before


def test_a_file_or_link_in_the_folders_place_is_not_touched(models, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        refused(2, "generate", models["mlp"], "-o", tmp_path / name, match="not a folder")
    assert list(snapshot(tmp_path)) == ["file"] and (tmp_path / "link").is_symlink()


def test_a_place_that_cannot_be_written_is_one_line(models, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(1, "generate", models["mlp"], "-o", tmp_path / "file" / "p", match=str(tmp_path))
    assert list(snapshot(tmp_path)) == ["file"]


def test_what_does_not_fit_is_not_written(models, tmp_path: Path) -> None:
    words = ["generate", models["large"], "--target", "cortex-m0", "--learn", "all"]
    out = tmp_path / "p"
    told = refused(4, *words, "-o", out, match="model large does not fit cortex-m0: RAM")
    assert "--force" in told and not list(tmp_path.iterdir())
    done(*words, "-o", out, "--force")
    before = snapshot(out)
    refused(4, *words, "-o", out, "--no-skip-zero-deltas")
    assert snapshot(out) == before, "an earlier project stays as it is"


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)],
    ids=["disk full", "interrupt"],
)
@pytest.mark.parametrize("existing", [True, False])
def test_an_interrupted_write_leaves_what_was_there(
    models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error, code: int, existing: bool
) -> None:
    if existing:
        done("generate", models["other"], "-o", tmp_path / "p")
    before, plain, written = snapshot(tmp_path), Path.write_bytes, []

    def write_bytes(path: Path, data: bytes) -> int:
        written.append(path)
        if len(written) == 9:
            raise error
        return plain(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    refused(code, "generate", models["mlp"], "-o", tmp_path / "p")
    assert len(written) == 9 and snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == (["p"] if existing else [])


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_failed_swap_puts_the_old_folder_back(
    models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    done("generate", models["other"], "-o", tmp_path / "p")
    before, plain, calls = snapshot(tmp_path), os.rename, []

    def rename(old: Path, new: Path) -> None:
        calls.append(old)
        if len(calls) == fails_at:
            raise PermissionError(13, "Permission denied", str(old))
        plain(old, new)

    monkeypatch.setattr(write.os, "rename", rename)
    refused(1, "generate", models["mlp"], "-o", tmp_path / "p", match="Permission denied")
    assert snapshot(tmp_path) == before and [p.name for p in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["--format", "floppy"],
            3,
            "known are arduino, cmake, esp-idf, library, makefile, platformio, zephyr",
        ),
        (["--target", "cortex-m4"], 3, "did you mean cortex-m4f?"),
        (["--target", "esp32-c3"], 3, "esp32-c3: no start-up code"),
        (["--target", "esp32-c3", "--format", "cmake"], 3, "--format arduino"),
        (["--name", "int"], 2, "--name int"),
        (["--name", "../evil"], 2, "--name ../evil"),
        (["--learn", "conv9"], 2, "no trainable layer conv9; the model has d0, d1"),
        (["--learn", "last:x"], 2, "last:x"),
        (["--head", "dense:many"], 2, "--head dense:many"),
        (["--at", "features"], 2, "--head"),
        (["--rate", "1e9"], 2, "--rate"),
        (["--momentum", "1"], 2, "--momentum 1.0"),
        (["--learn", "all", "--loss", "binary_crossentropy"], 2, "binary_crossentropy"),
        (["--max-classes", "6"], 2, "--max-classes: nothing learns"),
        (["--guard"], 2, "--guard: nothing learns"),
        (["--momentum", "0.5"], 2, "--momentum: nothing learns"),
        (["--accumulate", "2"], 2, "--accumulate: nothing learns"),
        (["--adapt", "gated"], 2, "--adapt: nothing learns"),
    ],
)
def test_choices_that_make_no_sense_write_nothing(
    models, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    refused(code, "generate", models["mlp"], "-o", tmp_path / "p", *words, match=told)
    assert not list(tmp_path.iterdir())


# ---- files that are no models, or hostile ----


def archive(**members: bytes | str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


def one_layer(entry: dict, kernel: np.ndarray | None = None) -> bytes:
    first = layer("InputLayer", "x", batch_shape=[None, 4])
    kernel = np.zeros((4, 3), "f4") if kernel is None else kernel
    return keras_bytes([first, entry], {"dense/vars/0": kernel})


DENSE = layer("Dense", "out", units=3, activation="linear", use_bias=False)

LAMBDA = {
    **layer("Lambda", "evil", function={"class_name": "__lambda__", "config": {"code": "gASV"}}),
    "registered_name": None,
}
SOUND = NETS["mlp"]()
#: name: (content, exit code, what the message names)
BAD_FILES = {
    "empty": (b"", 2, "not a .keras file"),
    "garbage": (bytes(range(256)) * 40, 2, "not a .keras file"),
    "text": (b"PK but no archive", 2, "damaged"),
    "truncated": (SOUND[:-400], 2, "cut short"),
    "half": (SOUND[: len(SOUND) // 2], 2, "cut short"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), 3, "legacy HDF5"),
    "pickle": (b"\x80\x04\x95" + bytes(100), 3, "pickle"),
    "no members": (archive(readme="hello"), 2, "config.json"),
    "bomb": (archive(**{"config.json": b" " * (7 << 20), "model.weights.h5": b""}), 2, "bomb"),
    "traversal": (archive(**{"../../etc/cron.d/x": "y", "config.json": "{}"}), 2, "outside"),
    "json": (archive(**{"config.json": "{", "model.weights.h5": b""}), 2, "JSON"),
    "lambda": (one_layer(LAMBDA), 3, "evil"),
    "LSTM": (one_layer(layer("LSTM", "memory", units=3)), 3, "memory"),
    "nan": (one_layer(DENSE, np.full((4, 3), np.nan, "f4")), 2, "layer out (Dense): weight 0"),
    "shape": (one_layer(DENSE, np.zeros((4, 4), "f4")), 2, "out"),
    "absurd": (one_layer({**DENSE, "config": {**DENSE["config"], "units": 1 << 40}}), 2, "out"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("verb", ["analyze", "generate"])
def test_bad_files_are_one_line_and_nothing_is_written(tmp_path, name: str, verb: str) -> None:
    content, code, told = BAD_FILES[name]
    model = tmp_path / "model.keras"
    model.write_bytes(content)
    words = ["-o", tmp_path / "p"] if verb == "generate" else ["--json"]
    line = refused(code, verb, model, *words, match=told)
    assert "model.keras" in line and len(line) < 1000
    assert list(snapshot(tmp_path)) == ["model.keras"]
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("verb", ["analyze", "generate"])
def test_files_that_are_not_there_or_of_another_kind(tmp_path: Path, verb: str) -> None:
    words = ["-o", tmp_path / "p"] if verb == "generate" else []
    refused(2, verb, tmp_path / "no.keras", *words, match="no.keras: no such file")
    refused(2, verb, tmp_path, *words, match="no such file")
    (tmp_path / "model.onnx").write_bytes(b"x")
    refused(3, verb, tmp_path / "model.onnx", *words, match="must be .keras")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "m.keras"
    for size in range(0, len(SOUND), max(len(SOUND) // 60, 1)):
        model.write_bytes(SOUND[:size])
        refused(2, "analyze", model)


def test_flipped_bytes_never_end_in_a_traceback(tmp_path: Path) -> None:
    model, random = tmp_path / "m.keras", np.random.default_rng(0)
    for at in random.integers(0, len(SOUND), 60):
        damaged = bytearray(SOUND)
        damaged[at] ^= int(random.integers(1, 256))
        model.write_bytes(damaged)
        result = tinylearn("analyze", model, "--json")
        assert result.code in (0, 2, 3), result
        assert result.err.count("\n") == (0 if result.code == 0 else 1)


# ---- without TensorFlow ----


def test_neither_tensorflow_nor_keras_is_needed(models, tmp_path: Path) -> None:
    for name in ("tensorflow", "keras"):
        (tmp_path / "stubs" / name).mkdir(parents=True)
        (tmp_path / "stubs" / name / "__init__.py").write_text("raise AssertionError('imported')\n")
    code = "import sys; from tinylearn.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ["generate", str(models["cnn"]), "-o", str(tmp_path / "p"), "--learn", "all"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "stubs")}
    ran = subprocess.run([sys.executable, "-c", code, *words], env=environment,
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "p" / "cnn.c").is_file()
    stub = subprocess.run([sys.executable, "-c", "import keras"], env=environment,
                          capture_output=True, check=False)  # fmt: skip
    assert stub.returncode != 0, "the stub is what Python finds"
