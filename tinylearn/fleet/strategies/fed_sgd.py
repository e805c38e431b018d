"""Federated SGD: one gradient step a round, computed by many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import in_order, sample_mean
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class FedSGD(Strategy):
    """FedSGD (McMahan et al. 2017, section 2: FedAvg with one pass in one batch).

    A device reports one step at ``rate`` over its ``samples``; that is ``rate`` times its gradient
    where its program accumulates them (``--accumulate``) or there is one sample, and one pass of
    single steps otherwise. The server goes ``server_rate`` / ``rate`` times as far.
    """

    name = "fed_sgd"
    summary = "one gradient step a round (McMahan et al. 2017)"

    devices: int = 5
    samples: int = 32
    rate: float = 0.01
    server_rate: float = 0.01

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("devices", "samples")
        ranges.positive("rate", "server_rate", most=1e3)

    def clients(self) -> int:
        """``devices``."""
        return self.devices

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, 1, self.rate)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """One step along the mean gradient, weighted by samples."""
        return weights + np.float32(self.server_rate / self.rate) * sample_mean(in_order(reports))
