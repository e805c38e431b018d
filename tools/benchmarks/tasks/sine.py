"""Sine regression (Finn, Abbeel, Levine 2017, section 5.1): each device has its own amplitude (0.1 to
5) and phase (0 to 2 pi), inputs from -5 to 5. 10 samples, 32 passes; MSE over 50 points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from networks import Network

from tasks.base import RANDOM, Setting, Task, Trial
from tinylearn.fleet.experiment import Draw, Samples
from tinylearn.ir.graph import Graph

_VISITS, _SAMPLES, _RATE = 30_000, 100, 0.01


def network(seed: int) -> Graph:
    """1-64-64-1, tanh; the last layer starts from zeros."""
    return (
        Network("sine", (1,), seed).dense(64, "tanh").dense(64, "tanh").dense(1, zero=True).graph()
    )


def _wave(rng: np.random.Generator) -> Callable[[np.ndarray], Samples]:
    amplitude, phase = rng.uniform(0.1, 5.0), rng.uniform(0.0, 2 * np.pi)

    def at(x: np.ndarray) -> Samples:
        return Samples(x, (amplitude * np.sin(x + phase)).astype(np.float32))

    return at


def _inputs(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-5, 5, (count, 1)).astype(np.float32)


def draw(seed: int) -> Draw:
    """A new wave at every visit."""
    return lambda rng, count: _wave(rng)(_inputs(rng, count))


def trials(count: int, seed: int) -> dict[str, list[Trial]]:
    """Waves with 10 samples each."""
    rng = np.random.default_rng(7_000_000)
    points = np.linspace(-5, 5, 50, dtype=np.float32)[:, None]
    found = []
    for _ in range(count):
        wave = _wave(rng)
        found.append(Trial(wave(_inputs(rng, 10)), wave(points)))
    return {"10 samples": found}


_COMMON = {"samples": _SAMPLES, "rate": _RATE}
_SEVERAL = {**_COMMON, "devices": 5}
TASK = Task(
    "sine", "mse", network, draw, trials, passes=32, rate=0.005,
    settings=(
        Setting(RANDOM, 0),
        Setting("fed_sgd", _VISITS, {**_SEVERAL, "server_rate": 0.02}, accumulate=_SAMPLES),
        Setting("fed_avg", _VISITS, {**_SEVERAL, "passes": 3}),
        Setting("reptile", _VISITS, {**_SEVERAL, "passes": 3, "rate": 0.02}, accumulate=10),
        Setting("tiny_reptile", _VISITS, _COMMON),
        Setting("tiny_meta_fed", _VISITS, {**_COMMON, "local_samples": 0, "share": 0.24}),
    ),
)  # fmt: skip
