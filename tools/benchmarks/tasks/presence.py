"""Presence in a room from climate and light (Candanedo, Feldheim 2016): a day is a device.

The fleet has the days of the training file, unseen devices are those of the test file. A new day
adapts on 16 of its minutes and is judged by all the others.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from networks import Network
from streams import occupancy_days

from tasks.base import Task, Trial, every_strategy
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


TASK = Task(
    "presence", "accuracy", network, draw, trials, passes=8, rate=0.02,
    settings=every_strategy(_VISITS, _SAMPLES, _RATE),
    seeds=5, quick=10,
)  # fmt: skip
