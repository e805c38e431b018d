"""What generated code may cost at most on the emulated Cortex-M4F. The limits are the best
hand-written C that we know of; a change that costs instructions, RAM or code fails here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import graphs

from tinylearn import __version__
from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.report.size import model_code_bytes
from tinylearn.targets import find

pytestmark = pytest.mark.emulated
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Bar:
    """Instructions a step without and with skipping of zeros, an inference; RAM in bytes."""

    step: int
    step_skipping: int
    inference: int
    ram: int


BARS = {
    1: Bar(11_000, 8_300, 3_700, 5_200),
    2: Bar(18_000, 15_300, 7_800, 10_200),
    3: Bar(670_000, 456_000, 173_000, 33_000),
}
CODE_W3 = 6_000


def project(
    number: int, folder: Path, workloads: Path, choices: Choices
) -> tuple[EmittedModel, Arrays]:
    graph, arrays = graphs.workload(workloads, number)
    model = EmittedModel(
        f"w{number}", compile_graph(graph, choices), "w.keras", "0" * 64, __version__
    )
    write_project(folder, project_files(model, find("cortex-m4f"), "makefile"))
    return model, arrays


def steps(device: Device, arrays: Arrays) -> tuple[float, int]:
    """Mean instructions of the 8 learning steps, largest stack."""
    pairs = zip(arrays["X"], arrays["T"], strict=True)
    costs = [device.learn(x, target=t, raw=True, measure=True).cost for x, t in pairs]
    return float(np.mean([c.instructions for c in costs])), max(c.stack_bytes for c in costs)


def relative(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


@pytest.fixture(autouse=True)
def _tools() -> None:
    for program in ("arm-none-eabi-gcc", "qemu-system-arm", "make"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize("skip", [False, True], ids=["plain", "skipping"])
@pytest.mark.parametrize("number", BARS)
def test_learning_all_layers(number: int, skip: bool, tmp_path: Path, workloads: Path) -> None:
    choices = Choices("all", rate=0.01, optimizer=Optimizer(skip_zero_deltas=skip))
    model, arrays = project(number, tmp_path / "p", workloads, choices)
    with open_device("emulator", tmp_path / "p") as device:
        before, inference = device.measure_predict(arrays["X"][0])
        mean, stack = steps(device, arrays)
        after = device.predict(arrays["X"][0])
    bar = BARS[number]
    assert max(relative(before, arrays["y0"]), relative(after, arrays["yN"])) <= 1e-5
    assert mean <= (bar.step_skipping if skip else bar.step)
    assert inference.instructions <= bar.inference
    assert model.compiled.plan.ram_bytes + max(stack, inference.stack_bytes) <= bar.ram
    if number == 3:
        assert model_code_bytes(tmp_path / "p", "w3", model.compiled.plan.flash_weights) <= CODE_W3


def test_inference_alone(tmp_path: Path, workloads: Path) -> None:
    for number, bar in BARS.items():
        _, arrays = project(number, tmp_path / f"p{number}", workloads, Choices())
        with open_device("emulator", tmp_path / f"p{number}") as device:
            assert device.measure_predict(arrays["X"][0])[1].instructions <= bar.inference


def test_a_learning_last_layer_costs_little_more_than_inference(
    tmp_path: Path, workloads: Path
) -> None:
    _, arrays = project(2, tmp_path / "p", workloads, Choices("last:1", rate=0.01))
    nowhere = np.full(10, np.nan, np.float32)
    with open_device("emulator", tmp_path / "p") as device:
        inference = device.measure_predict(arrays["X"][0])[1].instructions
        learning, _ = steps(device, arrays)
        refused = device.learn(arrays["X"][0], target=nowhere, raw=True, measure=True)
    assert not refused.learned
    # a refused target costs the forward pass, the loss and the check of the sample
    update = learning - refused.cost.instructions
    assert 0 < update <= 0.15 * inference
