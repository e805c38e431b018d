"""The coordinate-wise median."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.fleet.strategies.base import Floats
from tinylearn.fleet.strategies.robust import RobustStrategy, mean_of_rows


@dataclass(frozen=True)
class Median(RobustStrategy):
    """Coordinate-wise median (Yin, Chen, Ramchandran, Bartlett 2018, definition 1). Withstands
    liars while they are fewer than half. Of sparse reports a coordinate moves only where half of the
    devices sent it."""

    name = "median"
    summary = "median of each coordinate (Yin et al. 2018)"

    def centre(self, ordered: Floats) -> Floats:
        """The middle row, or the mean of the two."""
        count = len(ordered)
        return mean_of_rows(ordered[(count - 1) // 2 : count // 2 + 1])
