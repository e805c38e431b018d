"""The samples of a task, in the order in which its device learns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.stream import Stream
from tinylearn.errors import UsageError
from tinylearn.fleet.messages import Task

Samples = tuple[NDArray[Any], NDArray[Any]]
#: (device, run, round, count) -> x [count, inputs], y: labels, integers [count], or targets
#: [count, outputs]; the same for the same arguments, so that a task begun anew learns the same
Source = Callable[[str, int, int, int], Samples]


class Feed:
    """First the samples of the local part, then the others as often as the task says."""

    def __init__(self, device: str, task: Task, source: Source) -> None:
        """Raises UsageError where the source does not give as many as it is asked for."""
        wanted = task.local_samples + task.samples
        self._x, self._y = source(device, task.run, task.round, wanted)
        if len(self._x) != wanted or len(self._y) != wanted:
            raise UsageError(
                f"device {device}: its source gave {len(self._x)} samples and {len(self._y)} targets "
                f"for round {task.round}, not {wanted}"
            )
        self._local, self._once, self._passes = task.local_samples, task.samples, task.passes
        self._at = 0

    @property
    def at(self) -> int:
        """How many samples have been taken."""
        return self._at

    def rewind(self) -> None:
        """The device begins anew."""
        self._at = 0

    @property
    def is_over(self) -> bool:
        """All have been taken."""
        return self._at >= self._local + self._once * self._passes

    def next(self, most: int | None = None) -> Samples:
        """What comes next, up to ``most`` samples, without going beyond a part or a pass."""
        if self._at < self._local:
            first, last = self._at, self._local
        else:
            first = self._local + (self._at - self._local) % self._once
            last = self._local + self._once
        last = last if most is None else min(last, first + most)
        return self._x[first:last], self._y[first:last]

    def taken(self, count: int) -> None:
        """The device has learnt so many of them."""
        self._at += count


def from_stream(stream: Stream) -> Source:
    """The stream's samples in turn: each round goes on where the one before it ended, and
    from the end on with the first."""

    def source(device: str, run: int, round_: int, count: int) -> Samples:
        which = (np.arange(count) + (round_ - 1) * count) % len(stream)
        y = stream.labels if stream.labels is not None else stream.targets
        assert y is not None
        return stream.x[which], y[which]

    return source
