"""A model's code on the Cortex-M4F: what the compiler makes of it against the estimate, and
against the size of the file it came from. Whole images on cores without FPU against what is planned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import graphs, shared
from support.emulated import need, project

from tinylearn.device.build import build_project
from tinylearn.emit.model import EmittedModel
from tinylearn.importers import tflite
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices
from tinylearn.report.code_size import code_estimate
from tinylearn.report.fit import fit
from tinylearn.report.size import model_code_bytes, sizes_of
from tinylearn.targets import find

pytestmark = [
    pytest.mark.emulated,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs gcc-arm-none-eabi"),
]
MOST = 1.6
#: bytes of flash that code and weights may take more than the .tflite file
BEYOND_THE_FILE = 12_000
MODELS = sorted((shared.ROOT.parent / "shared" / "models").glob("*.tflite"))


def built(graph: Graph, choices: Choices, folder: Path) -> tuple[EmittedModel, int]:
    """A model and the bytes of its code."""
    model: EmittedModel = project(find("cortex-m4f"), folder, graph, choices)
    build_project(folder, model.name, find("cortex-m4f"))
    return model, model_code_bytes(folder, model.name, model.compiled.plan.flash_weights)


def share(model: EmittedModel, code: int) -> float:
    """The estimate as a multiple of the code."""
    return code_estimate(model.compiled.program) / code


@pytest.mark.skipif(not MODELS, reason="needs the shared data folder models")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_for_inference(path: Path, tmp_path: Path) -> None:
    model, code = built(tflite.load(path, "single"), Choices(), tmp_path / "p")
    assert 1 <= share(model, code) <= MOST
    assert code + model.compiled.plan.flash_weights <= path.stat().st_size + BEYOND_THE_FILE


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("end", ["softmax", "sigmoid", "linear"])
def test_learning_in_integers(layers: int, end: str, tmp_path: Path) -> None:
    net = graphs.Net("net", (64,), seed=3)
    for i in range(1, layers):
        net.dense(f"hidden{i}", 16, act="tanh" if i == 1 else "relu")
    net.dense("output", 10, act=end)
    choices = Choices("all", loss="mse" if end == "linear" else None, arithmetic="int8")
    assert 1 <= share(*built(net.done(), choices, tmp_path / "p")) <= MOST


def mlp() -> graphs.Net:
    """None of those that the shares of code_size.py were measured on, as are the others."""
    net = graphs.Net("net", (20,), seed=3)
    net.dense("wide", 24, act="relu")
    net.dense("narrow", 12, act="tanh")
    net.dense("output", 6, act="softmax")
    return net


def cnn() -> graphs.Net:
    net = graphs.Net("net", (14, 14, 2), seed=3)
    net.conv("first", 6, act="relu")
    net.depthwise("second", strides=(2, 2), act="relu")
    net.conv("third", 8, (1, 1), act="relu")
    net.flatten()
    net.dense("output", 4, act="softmax")
    return net


IMAGES = {
    "mlp learns": (mlp, Choices("all")),
    "mlp learns in integers": (mlp, Choices("all", arithmetic="int8")),
    "cnn": (cnn, Choices()),
    "cnn learns in its head": (cnn, Choices("last:1")),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("board", ["cortex-m0", "cortex-m3", "rv32"])
def test_images_with_arithmetic_in_software(board: str, name: str, tmp_path: Path) -> None:
    """They were up to 29 % larger than planned, as the compiler's floating-point library was left out."""
    make, choices = IMAGES[name]
    target = find(board)
    need(target)
    model: EmittedModel = project(target, tmp_path / "p", make().done(), choices)
    image = sizes_of(build_project(tmp_path / "p", model.name, target)).flash
    planned = fit(model, target)
    assert 0.95 <= (planned.flash + planned.flash_program) / image <= 1.1
