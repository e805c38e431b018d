"""Outer steps that shrink to nothing in the course of a run."""

from __future__ import annotations

import numpy as np


def linear(first: float, round_: int, rounds: int) -> np.float32:
    """``first`` in round 1, less by the same amount each round, and 0 after the last one (Nichol,
    Achiam, Schulman 2018, section 6)."""
    return np.float32(first * max(0.0, 1.0 - (round_ - 1) / rounds))
