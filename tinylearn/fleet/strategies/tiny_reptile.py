"""TinyReptile: Reptile for devices that cannot keep samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinylearn.fleet.strategies.annealing import linear
from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import equal_mean, in_order
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class TinyReptile(Strategy):
    """TinyReptile (Ren, Anicic, Runkler 2023, "TinyReptile: TinyML with Federated Meta-Learning").

    One device a round learns ``samples`` once each, as they come, at ``rate``; the weights go
    ``outer_rate``, annealed over ``rounds``, of the way to its result.
    """

    name = "tiny_reptile"
    summary = "one device a round, online, annealed (Ren, Anicic, Runkler 2023)"

    rounds: int = 1000
    samples: int = 32
    rate: float = 0.01
    outer_rate: float = 1.0

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("rounds", "samples")
        ranges.positive("rate", most=1e3)
        ranges.positive("outer_rate", most=1.0)

    def clients(self) -> int:
        """One."""
        return 1

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, 1, self.rate)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """A step towards the device's result."""
        step = linear(self.outer_rate, round_, self.rounds)
        return weights + step * equal_mean(in_order(reports))
