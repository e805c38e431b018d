"""Who has reported in which round, for as many reports as the store tells of."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable

from tinylearn.fleet.store import REPORTED


class Reported:
    """``pairs``: (round, device) of the last reports. Those of the oldest rounds are forgotten where
    there are more than ``most``, so that it costs the same after a day as after a year."""

    def __init__(self, pairs: Iterable[tuple[int, str]], most: int = REPORTED) -> None:
        self._most, self._count = most, 0
        self._rounds: dict[int, set[str]] = {}
        self._numbers: list[int] = []
        for round_, device in pairs:
            self.add(round_, device)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, pair: tuple[int, str]) -> bool:
        return pair[1] in self._rounds.get(pair[0], ())

    def add(self, round_: int, device: str) -> None:
        """A device has reported; again does nothing."""
        if round_ not in self._rounds:
            self._rounds[round_] = set()
            heapq.heappush(self._numbers, round_)
        devices = self._rounds[round_]
        self._count += device not in devices
        devices.add(device)

    def forget(self, open_: Container[int]) -> None:
        """Reports of the oldest rounds, none of which is ``open_``."""
        while self._count > self._most and self._numbers[0] not in open_:
            self._count -= len(self._rounds.pop(heapq.heappop(self._numbers)))
