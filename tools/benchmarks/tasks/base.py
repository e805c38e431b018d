"""What a task of the learning benchmark is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinylearn.fleet.experiment import Draw, Samples
from tinylearn.fleet.strategies import find
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.ir.graph import Graph

#: the row that no strategy has touched
RANDOM = "random"


@dataclass(frozen=True)
class Trial:
    """A device that no strategy has met: what it adapts on, and what it is judged by."""

    support: Samples
    query: Samples


@dataclass(frozen=True)
class Setting:
    """A strategy as a task runs it. ``visits``: of clients, in all rounds together. ``accumulate``:
    samples a step of the device's program (1: it learns each as it comes). ``draw``: another fleet than
    the task's."""

    strategy: str
    visits: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accumulate: int = 1
    draw: Callable[[int], Draw] | None = None

    def rounds(self) -> int:
        """How many rounds that makes."""
        return max(1, self.visits // find(self.strategy, self.parameters).clients())

    def built(self) -> Strategy:
        """The strategy; one that anneals does so until the last round."""
        strategy = find(self.strategy, self.parameters)
        if "rounds" not in strategy.parameters():
            return strategy
        return find(self.strategy, {**self.parameters, "rounds": self.rounds()})


def every_strategy(visits: int, samples: int, rate: float) -> tuple[Setting, ...]:
    """All strategies on a fleet of devices with ``samples`` each, learnt at ``rate``."""
    common = {"samples": samples, "rate": rate}
    online, several = {**common, "outer_rate": 0.5}, {**common, "devices": 4, "passes": 2}
    at_once = {"samples": samples, "rate": 0.1, "server_rate": 0.1, "devices": 4}
    partial = {**online, "local_samples": 10, "share": 0.24, "local_tensors_kept": 1}
    return (
        Setting(RANDOM, 0),
        Setting("fed_sgd", visits, at_once, accumulate=samples),
        Setting("fed_avg", visits, several),
        Setting("reptile", visits, {**several, "rate": 0.1}, accumulate=10),
        Setting("tiny_reptile", visits, online),
        Setting("tiny_meta_fed", visits, partial),
    )


@dataclass(frozen=True)
class Task:
    """``network`` makes the initial graph of a seed, ``draw`` the devices of its fleet, ``trials`` (a
    number, seed) unseen devices by title; the first are the task's ``metric`` ("mse" or "accuracy").

    A trial's device learns its support ``passes`` times over at ``rate``.
    """

    name: str
    metric: str
    network: Callable[[int], Graph]
    draw: Callable[[int], Draw]
    trials: Callable[[int, int], dict[str, list[Trial]]]
    passes: int
    rate: float
    settings: Sequence[Setting]
    seeds: int = 3
    #: how many times fewer visits --quick has
    quick: int = 50
    #: of the metric's curve, and trials behind each
    points: int = 8
    curve_trials: int = 50


def shuffled(rng: np.random.Generator, samples: Samples) -> Samples:
    """The same samples in another order."""
    order = rng.permutation(len(samples))
    return Samples(samples.x[order], samples.y[order], samples.device)
