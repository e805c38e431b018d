"""A model's code on the Cortex-M4F: what the compiler makes of it against the estimate, and
against the size of the file it came from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import graphs, shared
from support.emulated import project

from tinylearn.device.build import build_project
from tinylearn.emit.model import EmittedModel
from tinylearn.importers import tflite
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices
from tinylearn.report.fit import code_estimate
from tinylearn.report.size import model_code_bytes
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
