"""TinyMetaFed: TinyReptile that exchanges less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinylearn.fleet.strategies.annealing import linear
from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work
from tinylearn.fleet.strategies.mean import equal_mean, in_order
from tinylearn.fleet.strategies.parameters import Ranges


@dataclass(frozen=True)
class TinyMetaFed(Strategy):
    """TinyMetaFed (Ren, Li, Anicic, Runkler 2023, "TinyMetaFed: Efficient Federated Meta-Learning
    for TinyML").

    The last ``local_tensors_kept`` tensors of the weights never leave a device, which first
    reconstructs them from ``local_samples``; then it learns ``samples`` once each, as they come, and
    sends the ``share`` of the others that moved most. The server's step anneals.
    """

    name = "tiny_meta_fed"
    summary = "local part, largest changes only, online, annealed (Ren et al. 2023)"

    rounds: int = 1000
    devices: int = 1
    samples: int = 32
    local_samples: int = 8
    local_tensors_kept: int = 2
    rate: float = 0.01
    outer_rate: float = 1.0
    share: float = 0.2

    def __post_init__(self) -> None:
        ranges = Ranges(self)
        ranges.whole("rounds", "devices", "samples")
        ranges.whole("local_samples", "local_tensors_kept", least=0)
        ranges.positive("rate", most=1e3)
        ranges.positive("outer_rate", "share", most=1.0)

    def clients(self) -> int:
        """``devices``; the paper has one."""
        return self.devices

    def work(self, round_: int) -> Work:
        """The same in every round."""
        return Work(self.samples, 1, self.rate, self.share, self.local_samples)

    def local_tensors(self, tensors: Sequence[str]) -> Sequence[str]:
        """The tail; at least one tensor is exchanged."""
        kept = min(self.local_tensors_kept, len(tensors) - 1)
        return tuple(tensors[len(tensors) - kept :])

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """A step along what was sent; the rest stays."""
        step = linear(self.outer_rate, round_, self.rounds)
        return weights + step * equal_mean(in_order(reports))
