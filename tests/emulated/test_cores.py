"""The same model and stream on every emulated core, and on its twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import graphs
from support.emulated import EMULATED, need, project

from tinylearn.device.host import open_device
from tinylearn.device.messages import LearnMode, Reset
from tinylearn.device.validate import validate
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices
from tinylearn.targets import find
from tinylearn.targets.target import Target

CHOICES = Choices(learn="all", rate=0.05)
STEPS = 40


def small_cnn() -> Graph:
    """Small enough for the 16 kB of the Cortex-M0 board, with every kind of inner loop."""
    net = graphs.Net("small", (8, 8, 1), seed=3)
    net.conv("conv", 4, strides=(2, 2), padding="same", act="relu")
    net.depthwise("depthwise", act="relu")
    net.flatten()
    net.dense("dense", 9, act="tanh")
    net.dense("output", 3, act="softmax")
    return net.done()


def stream() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, STEPS)
    means = rng.normal(0, 0.6, (3, 8, 8, 1))
    return (means[labels] + rng.normal(0, 0.5, (STEPS, 8, 8, 1))).astype(np.float32), labels


def trajectory(where: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Losses of the stream and the weights after it."""
    x, labels = stream()
    with open_device(where, folder) as device:
        losses = [device.learn(a, label=int(b)).loss for a, b in zip(x, labels, strict=True)]
        return np.array(losses), np.frombuffer(device.read_weights().weights, "<f4").copy()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    folder = tmp_path_factory.mktemp("reference") / "p"
    project(find("cortex-m4f"), folder, small_cnn(), CHOICES)
    return trajectory("twin", folder)


@pytest.mark.emulated
@pytest.mark.parametrize("target", EMULATED, ids=lambda t: t.name)
def test_every_core_learns_the_same(
    target: Target, tmp_path: Path, reference: tuple[np.ndarray, np.ndarray]
) -> None:
    need(target)
    project(target, tmp_path / "p", small_cnn(), CHOICES)
    losses, weights = trajectory("emulator", tmp_path / "p")
    assert np.abs(losses - reference[0]).max() <= 1e-5 * np.abs(reference[0]).max()
    assert np.abs(weights - reference[1]).max() <= 1e-5 * np.abs(reference[1]).max()
    assert losses[-10:].mean() < losses[:10].mean()
    twin_losses, twin_weights = trajectory("twin", tmp_path / "p")
    assert np.array_equal(losses, twin_losses)
    assert weights.tobytes() == twin_weights.tobytes()


@pytest.mark.emulated
def test_validation_passes_on_the_emulated_board(tmp_path: Path) -> None:
    target = find("cortex-m4f")
    need(target)
    model = project(target, tmp_path / "p", small_cnn(), CHOICES)
    with open_device("emulator", tmp_path / "p") as device:
        result = validate(device, model.compiled, samples=12, seed=1)
    assert result.passed
    assert result.weights.relative < 1e-5
    assert result.steps == 12


@pytest.mark.emulated
def test_weights_survive_a_restart_of_the_board(tmp_path: Path) -> None:
    target = find("cortex-m4f")
    need(target)
    project(target, tmp_path / "p", small_cnn(), CHOICES)
    x, labels = stream()
    with open_device("emulator", tmp_path / "p") as device:
        initial = device.read_weights().weights
        for a, b in zip(x, labels, strict=True):
            device.learn(a, label=int(b))
        learnt = device.read_weights().weights
        device.save()
        device.set_mode(LearnMode.ALWAYS)
        device.learn(x[0], label=int(labels[0]))
        device.reset(Reset.PROGRAM)
        assert device.read_weights().weights == learnt != initial


@pytest.mark.emulated
def test_nan_never_reaches_the_weights_of_a_board(tmp_path: Path) -> None:
    target = find("cortex-m4f")
    need(target)
    project(target, tmp_path / "p", small_cnn(), CHOICES)
    x, _ = stream()
    with open_device("emulator", tmp_path / "p") as device:
        before = device.read_weights().weights
        for poison in (np.nan, np.inf, -np.inf, 3e38):
            for raw in (False, True):
                sample = x[0].copy()
                sample[3, 3, 0] = poison
                assert not device.learn(sample, label=1, raw=raw).learned
        assert device.read_weights().weights == before
