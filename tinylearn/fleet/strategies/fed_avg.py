"""Federated averaging: one model for all, by averaging what devices make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import in_order, sample_mean
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class FedAvg(Strategy):
    """FedAvg (McMahan, Moore, Ramage, Hampson, Aguera y Arcas 2017, "Communication-Efficient
    Learning of Deep Networks from Decentralized Data").

    ``devices`` learn ``samples`` ``passes`` times over at ``rate``; the next weights are the mean
    of their results, weighted by samples.
    """

    name = "fed_avg"
    summary = "mean of the devices' results, weighted by samples (McMahan et al. 2017)"

    devices: int = 5
    samples: int = 32
    passes: int = 5
    rate: float = 0.01

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("devices", "samples")
        ranges.whole("passes", most=65535)
        ranges.positive("rate", most=1e3)

    def clients(self) -> int:
        """``devices``."""
        return self.devices

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, self.passes, self.rate)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """The weighted mean of the devices' weights, which is the present ones and the mean move."""
        return weights + sample_mean(in_order(reports))
