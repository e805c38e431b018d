"""Learning in integers on emulated boards: the same bytes on every core, and what it costs on
cores without FPU beside learning in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import graphs
from support.emulated import EMULATED, need, project

from tinylearn.device.host import open_device
from tinylearn.device.validate import validate
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices
from tinylearn.targets import find
from tinylearn.targets.target import Target

pytestmark = pytest.mark.emulated
FEWER_INSTRUCTIONS = 4
SHARE_OF_RAM = 0.40
STEPS = 30
HALVED = {"kernel": (2, 2), "strides": (2, 2), "padding": "valid"}


def mlp(end: str = "softmax") -> Graph:
    net = graphs.Net("net", (64,), seed=3)
    net.dense("hidden", 32, act="relu" if end == "softmax" else "tanh")
    net.dense("output", 10 if end == "softmax" else 3, act=end)
    return net.done()


def cnn() -> Graph:
    """Every kind of layer, on the 64 inputs of the same stream."""
    net = graphs.Net("net", (8, 8, 1), seed=3)
    net.conv("conv", 8, padding="same", act="relu")
    net.op("max_pool", "most", attrs=HALVED)
    net.depthwise("depth", act="relu")
    net.conv("point", 9, (1, 1), act="relu")
    net.op("average_pool", "mean", attrs=HALVED)
    net.flatten()
    net.dense("output", 10, act="softmax")
    return net.done()


def choices(arithmetic: str) -> Choices:
    return Choices("all", rate=0.05, arithmetic=arithmetic)


def stream() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, STEPS)
    return (rng.normal(size=(3, 64))[labels] + rng.normal(0, 0.5, (STEPS, 64))).astype(
        np.float32
    ), labels


def trajectory(where: str, folder: Path) -> tuple[np.ndarray, bytes, float]:
    """Losses of the stream, the weights after it, and mean instructions of a step."""
    x, labels = stream()
    with open_device(where, folder) as device:
        steps = [device.learn(a, label=int(b), raw=True, measure=True)
                 for a, b in zip(x, labels, strict=True)]  # fmt: skip
        cost = float(np.mean([s.cost.instructions for s in steps]))
        return np.array([s.loss for s in steps]), device.read_weights().weights, cost


NETWORKS = {"softmax": mlp(), "sigmoid": mlp("sigmoid"), "cnn": cnn()}


@pytest.mark.parametrize("name", ["sigmoid", "cnn"])
@pytest.mark.parametrize("target", EMULATED, ids=lambda t: t.name)
def test_every_core_learns_the_same_bytes(target: Target, name: str, tmp_path: Path) -> None:
    need(target)
    project(target, tmp_path / "p", NETWORKS[name], choices("int8"))
    losses, weights, _ = trajectory("emulator", tmp_path / "p")
    project(find("cortex-m0"), tmp_path / "q", NETWORKS[name], choices("int8"))
    wanted, wanted_weights, _ = trajectory("twin", tmp_path / "q")
    assert losses.tobytes() == wanted.tobytes() and weights == wanted_weights
    assert losses[-10:].mean() < losses[:10].mean()


@pytest.mark.parametrize("name", ["softmax", "cnn"])
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m3"])
def test_integers_cost_a_fraction_of_floats(core: str, name: str, tmp_path: Path) -> None:
    target, instructions, ram = find(core), {}, {}
    need(target)
    for arithmetic in ("float32", "int8"):
        model = project(target, tmp_path / arithmetic, NETWORKS[name], choices(arithmetic))
        instructions[arithmetic] = trajectory("emulator", tmp_path / arithmetic)[2]
        ram[arithmetic] = model.compiled.ram_bytes
    print(core, instructions, ram)
    assert instructions["int8"] * FEWER_INSTRUCTIONS <= instructions["float32"]
    assert ram["int8"] <= SHARE_OF_RAM * ram["float32"]


def test_validation_of_integers_is_exact(tmp_path: Path) -> None:
    target = find("cortex-m0")
    need(target)
    model = project(target, tmp_path / "p", mlp(), choices("int8"))
    with open_device("emulator", tmp_path / "p") as device:
        result = validate(device, model.compiled, samples=12, seed=1)
    assert result.passed and result.weights.absolute == 0 and result.outputs.absolute == 0
