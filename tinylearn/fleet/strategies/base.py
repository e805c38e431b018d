"""What a strategy is: pure rules for whom to ask, what for, and how to combine the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Work:
    """What a device is asked to do in a round.

    ``samples`` are learnt one at a time, ``passes`` times over, at learning ``rate``. ``share`` of the
    exchanged weights come back, those that moved most; 1 sends all. ``local_samples`` teach the
    local part first.
    """

    samples: int
    passes: int = 1
    rate: float = 0.01
    share: float = 1.0
    local_samples: int = 0


@dataclass(frozen=True)
class Report:
    """A device's update: by how much each exchanged weight moved, float32 [n], on ``samples``
    samples. ``staleness``: versions between the one it started from and the present one."""

    device: str
    delta: Floats
    samples: int
    staleness: int = 0


class Strategy:
    """Base of all strategies; one file in this folder each, found by ``name``.

    Instances are immutable and hold their parameters as dataclass fields; all methods are pure.
    ``rounds``: how many there will be, for schedules.
    """

    name: str = ""
    #: one line for people, with the paper
    summary: str = ""

    def clients(self) -> int:
        """How many devices a round asks."""
        raise NotImplementedError

    def work(self, round_: int) -> Work:
        """What each of them is asked in a round; rounds count from 1."""
        raise NotImplementedError

    def local_tensors(self, tensors: Sequence[str]) -> Sequence[str]:
        """Which of the weights' tensors, in their order in memory, stay on the device: a tail of
        the list. Default: none."""
        return ()

    def aggregate(self, weights: Floats, reports: Sequence[Report], round_: int) -> Floats:
        """The next version of the exchanged weights [n] from the present one; never modifies its
        arguments. ``reports`` has at least one entry, sorted by device."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """The parameters by name, for logs and the run's configuration."""
        return dict(vars(self))
