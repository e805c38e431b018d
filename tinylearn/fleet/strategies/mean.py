"""Means of reports in float32, in one order of summation: the same bytes on every machine.

A coordinate that a sparse report leaves out counts as 0, a wish to stay, and the sum is divided by
the number of all reports, as in gradient sparsification (Lin et al. 2018, "Deep Gradient
Compression", section 3). A mean over only those who sent it would overshoot, as a device sends a
coordinate because it moved far, and would hand a coordinate that one device alone sends to that
device. What no one sent stays as it is, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.fleet.strategies.base import Floats, Report


def in_order(reports: Sequence[Report]) -> list[Report]:
    """By device, then by what else tells them apart: not by who answered first."""
    if len(reports) < 2:
        return list(reports)
    return sorted(reports, key=lambda r: (r.device, r.staleness, r.samples, r.delta.tobytes()))


def weighted_mean(reports: Sequence[Report], weights: Sequence[float]) -> Floats:
    """float32 [n]: the mean of the deltas, ``weights`` (at least 0, not all 0) in the order of
    ``reports``."""
    total = sum(weights)
    mean = np.zeros_like(reports[0].delta, dtype=np.float32)
    for report, weight in zip(reports, weights, strict=True):
        mean += np.float32(weight / total) * report.delta
    return mean


def equal_mean(reports: Sequence[Report]) -> Floats:
    """float32 [n]: the mean of the deltas, each device counting the same."""
    return weighted_mean(reports, [1.0] * len(reports))


def sample_mean(reports: Sequence[Report]) -> Floats:
    """float32 [n]: the mean of the deltas, each sample counting the same. Reports on no sample
    count as of one, so that there is always a mean."""
    return weighted_mean(reports, [float(max(1, r.samples)) for r in reports])
