"""train: what it prints, and what it refuses before TensorFlow is even started."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cli_tools import done, refused

from tinylearn.cli.main import main
from tinylearn.errors import TinylearnError
from tinylearn.train import fit

COMMAND = [sys.executable, "-m", "tinylearn", "train"]


def table(path: Path, names: tuple[str, ...] = ("no", "yes")) -> Path:
    """A .csv of two classes with text as labels."""
    x = np.random.default_rng(0).normal(size=(40, 3))
    rows = [",".join([*(f"{v:.4f}" for v in row), names[int(row[0] > 0)]]) for row in x]
    path.write_text("\n".join(["a,b,c,answer", *rows]) + "\n")
    return path


@pytest.mark.tensorflow
@pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_from_a_table_to_a_model_that_can_be_generated(tmp_path: Path) -> None:
    words = [str(table(tmp_path / "t.csv")), "-o", "answer.keras", "--epochs", "2"]
    ran = subprocess.run(
        [*COMMAND, *words, "--model", "mlp:8", "--standardize", "--json"], cwd=tmp_path,
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert found["classes"] == ["no", "yes"] and found["path"] == "answer.keras"
    assert found["measured_on"] == "validation" and 0 <= found["accuracy"] <= 1
    assert len(found["history"]["loss"]) == 2
    model = tmp_path / "answer.keras"
    analysis = done("analyze", model, "--learn", "all", "--json").json
    assert analysis["fits"] and analysis["layers"][-1]["shape"] == [2]
    done("generate", model, "-o", tmp_path / "p", "--learn", "last:1")


def test_what_was_reached_and_which_number_each_name_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = fit.TrainResult(Path("m.keras"), {}, 0.25, 0.875, "test", 30, 99, ("no", "yes"))
    monkeypatch.setattr(fit, "train", lambda *arguments: result)
    lines = done("train", "t.csv", "-o", "m.keras").out.splitlines()
    assert [line.rsplit(maxsplit=1) for line in lines[:5]] == [
        ["samples", "30"], ["parameters", "99"], ["measured on", "test"], ["loss", "0.25"],
        ["accuracy", "0.875"],
    ]  # fmt: skip
    assert lines[5] == "labels: 0 = no, 1 = yes"
    assert lines[6] == "written to m.keras; next: tinylearn analyze m.keras"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fails", [False, True])
def test_progress_is_shown_on_a_terminal_and_taken_away(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def train(data, spec, out, options, progress):
        progress(1, {"loss": 0.125})
        raise TinylearnError("training diverged") if fails else KeyboardInterrupt

    monkeypatch.setattr(fit, "train", train)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    code = main(["train", "t.csv", "-o", "m.keras", "--epochs", "2"])
    shown = sys.stderr.getvalue()
    assert code == (1 if fails else 130) and "loss 0.125" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is visible again"
    assert shown.endswith("training diverged\n" if fails else "interrupted\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gone.csv"], "gone.csv"),
        (["t.txt"], "t.txt: data must be a .npz or .csv file"),
        (["bad.csv"], "bad.csv"),
        (["cut.npz"], "cut.npz"),
        (["t.csv", "--model", "transformer:8"], "transformer"),
        (["t.csv", "--validation", "1"], "validation"),
    ],
)
def test_bad_requests_need_no_tensorflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "t.csv")
    (tmp_path / "bad.csv").write_text("1,2,x,0\n1,2\n")
    (tmp_path / "cut.npz").write_bytes(b"PK\3\4")
    before = set(tmp_path.iterdir())
    started = "tensorflow" in sys.modules
    refused(2, "train", *words, "-o", "m.keras", match=told)
    assert set(tmp_path.iterdir()) == before
    assert ("tensorflow" in sys.modules) == started


@pytest.mark.parametrize("out", ["m.h5", "gone/m.keras"])
def test_places_that_no_model_can_be_written_to(tmp_path: Path, out: str) -> None:
    data = table(tmp_path / "t.csv")
    refused(2, "train", data, "-o", tmp_path / out, match=Path(out).name)


def test_without_tensorflow_the_extra_is_named(tmp_path: Path) -> None:
    for name in ("tensorflow", "keras"):
        (tmp_path / "stubs" / name).mkdir(parents=True)
        (tmp_path / "stubs" / name / "__init__.py").write_text("raise ImportError('absent')\n")
    ran = subprocess.run(
        [*COMMAND, str(table(tmp_path / "t.csv")), "-o", "m.keras"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "stubs")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (7, "", 1)
    assert "tinylearn[train]" in ran.stderr and not (tmp_path / "m.keras").exists()
