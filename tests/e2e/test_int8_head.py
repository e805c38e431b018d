"""A frozen int8 body under a head that learns: the body is LiteRT's, the head's steps are those of
SGD on what the body's integers stand for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_tools import done, refused
from support import shared

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
from tinylearn.device.build import build_project
from tinylearn.device.twin import load_twin
from tinylearn.targets import find
from tinylearn.train.litert import interpreter

MODEL = "ARM_DS_CNN_Small_.tflite"
#: its last pooling layer, reshaped: what its last dense layer reads
SEAM = "AvgPool"
FEATURES, RATE = 64, 0.05


@pytest.fixture(scope="module")
def model() -> Path:
    return shared.folder("models") / MODEL


class Body:
    """LiteRT's int8 features of an input, as floats."""

    def __init__(self, path: Path) -> None:
        self.litert = interpreter(path, keep_tensors=True)
        self.litert.allocate_tensors()
        (self.x,) = self.litert.get_input_details()
        details = self.litert.get_tensor_details()
        self.seam = next(
            d for d in details if SEAM in d["name"] and np.prod(d["shape"]) == FEATURES
        )

    def codes(self, x: np.ndarray) -> np.ndarray:
        self.litert.set_tensor(self.x["index"], x.reshape(self.x["shape"]))
        self.litert.invoke()
        return self.litert.get_tensor(self.seam["index"]).ravel()

    def features(self, x: np.ndarray) -> np.ndarray:
        scale, zero = self.seam["quantization"]
        return np.float64(np.float32(scale)) * (self.codes(x).astype(np.float64) - zero)


def generated(model: Path, folder: Path, *options: object) -> tuple[dict, object]:
    described = done("generate", model, "-o", folder, "--rate", RATE, *options, "--json").json
    return described, load_twin(folder, described["name"], "cortex-m4f").open()


def inputs(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-128, 128, (count, 490)).astype(np.int8)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max())
    return e / e.sum()


def test_new_head_learns_from_the_bodys_own_integers(model: Path, tmp_path: Path) -> None:
    described, twin = generated(model, tmp_path / "p", "--head", "dense:5", "--at", SEAM)
    body, w, b = Body(model), np.zeros((5, FEATURES)), np.zeros(5)
    for i, x in enumerate(inputs(40)):
        f, t = body.features(x), np.eye(5)[i % 5]
        p = softmax(w @ f + b)
        assert np.abs(twin.predict(x) - p).max() < 1e-5
        loss = twin.learn_label(x, i % 5)[0]
        assert abs(loss + np.log(p[i % 5])) < 1e-5 * max(1, abs(loss))
        w, b = w - RATE * np.outer(p - t, f), b - RATE * (p - t)
    stored = np.frombuffer(twin.read_weights(), "<f4").astype(float)
    at = {row["name"]: row["offset"] // 4 for row in described["weights"]}
    kernel = stored[at["head/kernel"] :][: w.size].reshape(w.shape)
    assert np.abs(kernel - w).max() <= 1e-5 * np.abs(w).max()


def test_body_is_bit_exact(model: Path, tmp_path: Path) -> None:
    """A head that copies its features shows the integers that it reads."""
    described, twin = generated(
        model, tmp_path / "p", "--head", f"dense:{FEATURES}:linear", "--at", SEAM
    )
    rows = {row["name"]: row for row in described["weights"]}
    eye = np.eye(FEATURES, dtype="<f4").tobytes()
    twin.write_weights(eye, rows["head/kernel"]["offset"])
    body = Body(model)
    scale, zero = body.seam["quantization"]
    for x in inputs(64):
        got = np.rint(twin.predict(x).astype(float) / scale) + zero
        assert np.array_equal(got, body.codes(x))


def test_last_layer_starts_from_its_integers(model: Path, tmp_path: Path) -> None:
    _, twin = generated(model, tmp_path / "p", "--learn", "last:1")
    whole = interpreter(model)
    whole.allocate_tensors()
    (x_at,), (y_at,) = whole.get_input_details(), whole.get_output_details()
    scale, zero = y_at["quantization"]
    for x in inputs(30):
        whole.set_tensor(x_at["index"], x.reshape(x_at["shape"]))
        whole.invoke()
        y = (whole.get_tensor(y_at["index"]).ravel().astype(float) - zero) * scale
        assert np.abs(twin.predict(x) - y).max() < 0.05  # int8 logits are coarse
    first = [twin.learn_label(x, i % 3)[0] for i, x in enumerate(inputs(30))]
    again = [twin.learn_label(x, i % 3)[0] for i, x in enumerate(inputs(30))]
    assert np.mean(again) < np.mean(first)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--head", "dense:5", "--at", "AvgPol"), 2, "no such layer"),
        (("--head", "conv:5", "--at", SEAM), 2, "dense:OUTPUTS"),
        (("--learn", "nothing"), 2, "nothing"),
    ],
)
def test_what_cannot_be_a_head_is_refused(
    model: Path, options: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    refused(code, "generate", model, "-o", tmp_path / "p", *options, match=words)


AUTOENCODER = "Anomaly_Detection_Autoencoder.tflite"


def test_reconstruction_error_of_an_int8_autoencoder(tmp_path: Path) -> None:
    """Input and output are compared as what their integers stand for; statistics take each in."""
    model = shared.folder("models") / AUTOENCODER
    for i, extra in enumerate((("--reconstruction-error",), ("--standardize", "features"))):
        done("generate", model, "-o", tmp_path / f"p{i}", "--head", "dense:2", *extra)
        assert done("validate", tmp_path / f"p{i}", "--samples", "16", "--json").json["passed"]
        if shutil.which("arm-none-eabi-gcc"):
            build_project(tmp_path / f"p{i}", "anomaly_detection_autoencoder", find("cortex-m4f"))


def test_int8_input_is_not_standardized(model: Path, tmp_path: Path) -> None:
    words = ("--head", "dense:2", "--standardize", "input")
    refused(2, "generate", model, "-o", tmp_path / "p", *words, match="--standardize features")


def test_convolutions_behind_an_int8_body_learn_in_integers(model: Path, tmp_path: Path) -> None:
    """Depthwise and pointwise convolution, pooling and dense layer, from int8 with a zero point:
    the generated C gives what the reference gives."""
    options = ("--learn", "last:3", "--arithmetic", "int8")
    described = done("generate", model, "-o", tmp_path / "p", *options, "--json").json
    kernels = [row["name"] for row in described["weights"] if row["name"].endswith("/kernel")]
    assert len(kernels) == 3
    report = done("validate", tmp_path / "p", "--mode", "host", "--samples", 8, "--json").json
    assert report["weights"]["absolute"] == 0 and report["outputs"]["absolute"] == 0
