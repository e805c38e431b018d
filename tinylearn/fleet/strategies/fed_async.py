"""Asynchronous federated learning: an answer counts when it comes, the less the older it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import in_order
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class FedAsync(Strategy):
    """FedAsync (Xie, Koyejo, Gupta 2019, "Asynchronous Federated Optimization") with its polynomial
    weight of staleness s: ``mixing`` * (s + 1) ** -``exponent``.

    A report holds moves from the version that the device started from, so they are mixed in as moves
    and not as weights, as in FedBuff (Nguyen et al. 2022): a straggler does not pull the weights
    back to where it started. For s = 0 the two are the same. Several ``devices`` a round are a
    buffer of that size.
    """

    name = "fed_async"
    summary = "mixes answers as they come, by staleness (Xie et al. 2019)"

    devices: int = 1
    samples: int = 32
    passes: int = 1
    rate: float = 0.01
    mixing: float = 0.6
    exponent: float = 0.5

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("devices", "samples")
        ranges.whole("passes", most=65535)
        ranges.positive("rate", most=1e3)
        ranges.positive("mixing", most=1.0)
        ranges.within("exponent", 0.0, 100.0)

    def clients(self) -> int:
        """``devices``."""
        return self.devices

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, self.passes, self.rate)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """The mean of the moves, each times its weight of staleness."""
        moved = np.zeros_like(weights)
        for report in in_order(reports):
            moved += np.float32(self.weight(report.staleness) / len(reports)) * report.delta
        return weights + moved

    def weight(self, staleness: int) -> float:
        """What an answer of that staleness (at least 0) counts."""
        return float(self.mixing * (staleness + 1.0) ** -self.exponent)
