"""Presence in a room from climate and light (Candanedo, Feldheim 2016): a day is a device.

The fleet has the days of the training file, unseen devices are those of the test file. A new day
adapts on 16 of its minutes and is judged by all the others.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from networks import Network
from streams import occupancy_days

from tasks.base import RANDOM, Setting, Task, Trial
from tinylearn.fleet.experiment import Draw, Samples
from tinylearn.ir.graph import Graph

_SHOTS, _LEAST_MINUTES = 16, 300
_VISITS, _SAMPLES, _RATE = 2_000, 40, 0.02


def network(seed: int) -> Graph:
    """5-16-1, ReLU and a sigmoid; the last layer starts from zeros."""
    return Network("presence", (5,), seed).dense(16, "relu").dense(1, "sigmoid", zero=True).graph()


@cache
def _days() -> tuple[list[Samples], list[Samples]]:
    """Days of the fleet, and unseen ones, standardised by the fleet's mean and deviation."""
    known, new = occupancy_days("datatraining.txt"), occupancy_days("datatest.txt")
    cells = np.concatenate([x for x, _ in known.values()])
    mean, deviation = cells.mean(axis=0), cells.std(axis=0)

    def scaled(days: dict) -> list[Samples]:
        return [
            Samples(((x - mean) / deviation).astype(np.float32), y[:, None].astype(np.float32), day)
            for day, (x, y) in days.items()
            if len(x) >= _LEAST_MINUTES
        ]

    return scaled(known), scaled(new)


def draw(seed: int) -> Draw:
    """Minutes of one of the days, in any order."""
    days = _days()[0]

    def visit(rng: np.random.Generator, count: int) -> Samples:
        day = days[rng.integers(len(days))]
        chosen = rng.integers(0, len(day), count)
        return Samples(day.x[chosen], day.y[chosen], day.device)

    return visit


def trials(count: int, seed: int) -> dict[str, list[Trial]]:
    """The unseen days in turn, with other minutes each time."""
    rng = np.random.default_rng(7_000_000)
    return {"16 minutes": [_trial(rng, _days()[1][i % len(_days()[1])]) for i in range(count)]}


def _trial(rng: np.random.Generator, day: Samples) -> Trial:
    order = rng.permutation(len(day))
    x, y = day.x[order], day.y[order]
    return Trial(Samples(x[:_SHOTS], y[:_SHOTS]), Samples(x[_SHOTS:], y[_SHOTS:]))


_COMMON = {"samples": _SAMPLES, "rate": _RATE}
_ONLINE = {**_COMMON, "outer_rate": 0.5}
_SEVERAL = {**_COMMON, "devices": 4, "passes": 2}
TASK = Task(
    "presence", "accuracy", network, draw, trials, passes=8, rate=0.02,
    settings=(
        Setting(RANDOM, 0),
        Setting("fed_sgd", _VISITS, {"samples": _SAMPLES, "rate": 0.1, "server_rate": 0.1,
                                     "devices": 4}, accumulate=_SAMPLES),
        Setting("fed_avg", _VISITS, _SEVERAL),
        Setting("reptile", _VISITS, {**_SEVERAL, "rate": 0.1},
                accumulate=10),
        Setting("tiny_reptile", _VISITS, _ONLINE),
        Setting("tiny_meta_fed", _VISITS, {**_ONLINE, "local_samples": 10, "share": 0.24,
                                           "local_tensors_kept": 1}),
    ),
    seeds=5, quick=10,
)  # fmt: skip
