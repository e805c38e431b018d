"""The coordinate-wise trimmed mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinylearn.fleet.strategies.base import Floats
from tinylearn.fleet.strategies.parameters import Ranges
from tinylearn.fleet.strategies.robust import RobustStrategy, mean_of_rows


@dataclass(frozen=True)
class TrimmedMean(RobustStrategy):
    """Coordinate-wise trimmed mean (Yin, Chen, Ramchandran, Bartlett 2018, "Byzantine-Robust
    Distributed Learning", definition 2): the ``trim`` share of the largest and of the smallest
    deltas is left out, rounded up, but never all. Withstands as large a share of liars."""

    name = "trimmed_mean"
    summary = "mean without the extremes of each coordinate (Yin et al. 2018)"

    trim: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        Ranges(self).within("trim", 0.0, 0.5)

    def centre(self, ordered: Floats) -> Floats:
        """The mean of what is left."""
        count = len(ordered)
        cut = min(math.ceil(self.trim * count), (count - 1) // 2)
        return mean_of_rows(ordered[cut : count - cut])
