"""Reptile: towards the mean of what several devices make of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinylearn.fleet.strategies.annealing import linear
from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import equal_mean, in_order
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class Reptile(Strategy):
    """Batched Reptile (Nichol, Achiam, Schulman 2018, "On First-Order Meta-Learning Algorithms").

    A device buffers its ``samples`` and learns them ``passes`` times over at ``rate``; the weights
    go ``outer_rate``, annealed over ``rounds``, of the way to the mean of ``devices`` results.
    """

    name = "reptile"
    summary = "several devices a round, several passes, annealed (Nichol et al. 2018)"

    rounds: int = 1000
    devices: int = 5
    samples: int = 32
    passes: int = 5
    rate: float = 0.01
    outer_rate: float = 1.0

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("rounds", "devices", "samples")
        ranges.whole("passes", most=65535)
        ranges.positive("rate", most=1e3)
        ranges.positive("outer_rate", most=1.0)

    def clients(self) -> int:
        """``devices``."""
        return self.devices

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, self.passes, self.rate)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """A step towards the mean, every device counting the same."""
        step = linear(self.outer_rate, round_, self.rounds)
        return weights + step * equal_mean(in_order(reports))
