"""quantize: a Keras model becomes an int8 file that generates, and what it refuses."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cli_tools import convolutional_net, dense_net, done, refused

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow"),
]


def samples(path: Path, shape: tuple[int, ...], classes: int = 3, **arrays: np.ndarray) -> Path:
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(60) % classes)
    x = (rng.normal(size=(60, *shape)) / 2 + y.reshape(-1, *[1] * len(shape))).astype(np.float32)
    np.savez(path, **{"x": x, "y": y, **arrays})
    return path


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantize")
    (folder / "cnn.keras").write_bytes(convolutional_net())
    samples(folder / "d.npz", (6, 6, 1))
    return folder


@pytest.mark.parametrize("ends", ["int8", "float32"])
def test_quantized_model_generates_and_says_what_it_costs(
    cnn: Path, ends: str, tmp_path: Path
) -> None:
    out = tmp_path / "cnn.tflite"
    words = ["quantize", cnn / "cnn.keras", "--data", cnn / "d.npz", "-o", out, "--io", ends]
    found = done(*words, "--json").json
    assert found["measure"] == "accuracy" and found["samples"] == 60
    assert found["agreement"] > 0.9 and found["bytes"] == out.stat().st_size
    assert [layer["layer"] for layer in found["layers"]]
    assert all(15 < layer["decibels"] < 80 for layer in found["layers"])
    first = out.read_bytes()
    done(*words)
    assert out.read_bytes() == first
    described = done("generate", out, "-o", tmp_path / "p", "--json").json
    assert described["input"]["dtype"] == ends
    found = done("validate", tmp_path / "p", "--samples", "8", "--json").json
    assert found["passed"]
    kind = {"int8": "integers", "float32": "float64"}[ends]
    assert found["oracle"] == f"reference interpreter, {kind}"


def test_stream_in_real_units_reaches_an_int8_model(cnn: Path, tmp_path: Path) -> None:
    """The host quantizes what it streams by the input's scale: the head learns."""
    out = tmp_path / "cnn.tflite"
    done("quantize", cnn / "cnn.keras", "--data", cnn / "d.npz", "-o", out)
    for arithmetic in ("float32", "int8"):
        folder = tmp_path / arithmetic
        done(
            "generate",
            out,
            "-o",
            folder,
            "--learn",
            "last:1",
            "--rate",
            "0.05",
            "--arithmetic",
            arithmetic,
        )
        ran = done("run", folder, "--device", "twin", "--stream", cnn / "d.npz", "--json").json
        assert ran["learned"] == 60 and ran["accuracy_last_quarter"] >= 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.zeros((60, 5), np.float32)}, "the model takes (6, 6, 1)"),
        ({"y": np.full(60, 0) + np.arange(60) % 5}, "label 4"),
        ({"x": np.full((60, 6, 6, 1), np.nan, np.float32)}, "NaN"),
    ],
)
def test_bad_data_is_refused(cnn: Path, change: dict, words: str, tmp_path: Path) -> None:
    data = samples(tmp_path / "bad.npz", (6, 6, 1), **change)
    out = tmp_path / "o.tflite"
    assert words in refused(2, "quantize", cnn / "cnn.keras", "--data", data, "-o", out)
    assert not out.exists()


def test_bad_paths_are_refused(cnn: Path, tmp_path: Path) -> None:
    data, out, verb = cnn / "d.npz", tmp_path / "o.tflite", "quantize"
    (tmp_path / "bad.keras").write_bytes(b"PK nothing")
    for model, to, words in (
        (cnn / "cnn.keras", "o.bin", ".tflite"),
        (cnn / "cnn.keras", tmp_path / "no" / "o.tflite", "no such folder"),
        (tmp_path / "no.keras", out, "no such"),
        (tmp_path / "bad.keras", out, "cannot load"),
    ):
        assert words in refused(2, verb, model, "--data", data, "-o", to)


def test_autoencoder_is_judged_by_its_error(tmp_path: Path) -> None:
    (tmp_path / "a.keras").write_bytes(dense_net(8, (4, "relu"), (8, "linear")))
    x = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    words = [
        "quantize",
        tmp_path / "a.keras",
        "--data",
        tmp_path / "d.npz",
        "-o",
        tmp_path / "a.tflite",
    ]
    found = done(*words, "--json").json
    assert found["measure"] == "mean squared error" and found["agreement"] is None
    assert abs(found["score_after"] / found["score_before"] - 1) < 0.1
