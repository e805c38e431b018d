"""What robust aggregations share: one report in the place of many, for any inner strategy.

The coordinates that a sparse report leaves out are votes to stay (see ``mean``): were they left
out, a liar that alone sends a coordinate would rule it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median_low
from typing import Any

import numpy as np

from tinylearn.errors import UsageError
from tinylearn.fleet.strategies.base import Floats, Report, Strategy, Work

#: fewer honest devices than liars cannot be told apart
LEAST_DEVICES = 3


@dataclass(frozen=True)
class RobustStrategy(Strategy):
    """Asks and combines as ``inner``, but hands it one report: per coordinate a robust centre of all
    deltas, the median number of samples and the median staleness. Devices count the same however
    many samples they claim. Found by a name like ``trimmed_mean:fed_avg``."""

    inner: Strategy

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{type(self).name}:{self.inner.name}")
        if self.inner.clients() < LEAST_DEVICES:
            raise UsageError(
                f"strategy {self.name}: a round asks {self.inner.clients()} device(s), robust "
                f"aggregation needs {LEAST_DEVICES}; raise parameter devices, or use reptile, "
                "fed_avg or fed_sgd"
            )

    def clients(self) -> int:
        """As many as ``inner``."""
        return self.inner.clients()

    def work(self, round_: int) -> Work:
        """The same as ``inner``'s."""
        return self.inner.work(round_)

    def local_tensors(self, tensors: Sequence[str]) -> Sequence[str]:
        """The same as ``inner``'s."""
        return self.inner.local_tensors(tensors)

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """What ``inner`` makes of the centre."""
        centre = self.centre(np.sort(np.stack([r.delta for r in reports]), axis=0))
        samples = median_low(r.samples for r in reports)
        staleness = median_low(r.staleness for r in reports)
        return self.inner.aggregate(weights, [Report("", centre, samples, staleness)], round_)

    def centre(self, ordered: Floats) -> Floats:
        """float32 [n] from deltas [m, n], ascending in each column."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Its own and those of ``inner``."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "inner"}
        return {**own, **self.inner.parameters()}


def mean_of_rows(rows: Floats) -> Floats:
    """float32 [n]: the mean of rows [m, n], summed from the first on."""
    total = np.zeros(rows.shape[1], np.float32)
    for row in rows:
        total += row * np.float32(1.0 / len(rows))
    return total
