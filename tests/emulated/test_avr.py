"""The 8-bit AVR: int8 models in flash, learning in RAM, on an emulated ATmega328P."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support import graphs, shared

from tinylearn import __version__
from tinylearn.device.build import build_project
from tinylearn.device.host import open_device
from tinylearn.device.messages import Reset
from tinylearn.device.validate import validate
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.errors import DoesNotFitError, TinylearnError
from tinylearn.importers import tflite
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.report.fit import require_fit
from tinylearn.report.size import sizes_of
from tinylearn.targets import find

pytestmark = [
    pytest.mark.emulated,
    pytest.mark.skipif(
        shutil.which("avr-gcc") is None or not Path("/usr/include/simavr/sim_avr.h").is_file(),
        reason="needs gcc-avr, avr-libc and libsimavr-dev",
    ),
]
TARGET = find("atmega328p")


def mlp(inputs: int = 6, hidden: int = 8) -> Graph:
    net = graphs.Net("net", (inputs,), seed=2)
    net.dense("hidden", hidden, act="tanh")
    net.dense("output", 3, act="softmax")
    return net.done()


def project(graph: Graph, folder: Path, choices: Choices) -> EmittedModel:
    compiled = compile_graph(graph, choices)
    model = EmittedModel("net", compiled, "net.keras", "0" * 64, __version__)
    write_project(folder, project_files(model, TARGET, "makefile"))
    return model


def stream() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 40)
    return (rng.normal(size=(3, 6))[labels] + rng.normal(0, 0.3, (40, 6))).astype("f4"), labels


def test_int8_model_gives_the_twins_bytes_from_flash(tmp_path: Path) -> None:
    graph = tflite.load(shared.folder("models") / "Hello_World.tflite", "single")
    model = project(graph, tmp_path / "p", Choices())
    require_fit(model, TARGET)
    sizes = sizes_of(build_project(tmp_path / "p", "net", TARGET))
    assert sizes.data + sizes.zeroed < 1024, "weights stay in flash"
    with open_device("emulator", tmp_path / "p") as device:
        result = validate(device, model.compiled, samples=64, seed=1)
    assert result.passed and result.outputs.absolute == 0


@pytest.mark.parametrize("arithmetic", ["float32", "int8"])
def test_it_learns_what_the_twin_learns(arithmetic: str, tmp_path: Path) -> None:
    model = project(mlp(), tmp_path / "p", Choices("all", rate=0.1, arithmetic=arithmetic))
    require_fit(model, TARGET)
    (x, labels), found = stream(), []
    for where in ("emulator", "twin"):
        with open_device(where, tmp_path / "p") as device:
            losses = [device.learn(a, label=int(b)).loss for a, b in zip(x, labels, strict=True)]
            found.append((losses, device.read_weights().weights))
    assert found[0] == found[1]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


def test_cycles_are_exact_and_integers_need_fewer(tmp_path: Path) -> None:
    spent, (x, labels) = {}, stream()
    for arithmetic in ("float32", "int8"):
        folder = tmp_path / arithmetic
        project(mlp(), folder, Choices("all", rate=0.1, arithmetic=arithmetic))
        with open_device("emulator", folder) as device:
            runs = []
            for _ in range(2):
                device.reset(Reset.WEIGHTS)
                steps = [device.learn(a, label=int(b), raw=True, measure=True)
                         for a, b in zip(x[:5], labels[:5], strict=True)]  # fmt: skip
                runs.append([step.cost.instructions for step in steps])
        assert np.abs(np.subtract(*runs)).max() <= 8  # an interrupt may fall on the call itself
        spent[arithmetic] = np.mean(runs)
    assert 10_000 < spent["int8"] < spent["float32"]


def test_program_restarts(tmp_path: Path) -> None:
    project(mlp(), tmp_path / "p", Choices("all", rate=0.1))
    (x, labels) = stream()
    with open_device("emulator", tmp_path / "p") as device:
        initial = device.read_weights().weights
        device.learn(x[0], label=int(labels[0]))
        assert device.read_weights().weights != initial
        device.reset(Reset.PROGRAM)
        assert device.read_weights().weights == initial


def test_what_is_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFitError, match="RAM"):
        require_fit(project(mlp(32, 32), tmp_path / "p", Choices("all")), TARGET)
    with pytest.raises(TinylearnError, match=r"region .data|data. region|not within region"):
        build_project(tmp_path / "p", "net", TARGET)
