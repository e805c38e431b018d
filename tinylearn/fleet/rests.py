"""Devices that said nothing in a whole round: each one asked again costs another round its deadline, so
they rest for 2, 4, 8 .. rounds, until they are heard. Kept in memory alone: a coordinator that starts again
asks once more."""

from __future__ import annotations

_MOST_DOUBLINGS = 6


class Rests:
    """By a device's name."""

    def __init__(self) -> None:
        self._silences: dict[str, tuple[int, int]] = {}
        self._until: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether anybody may be resting."""
        return bool(self._until)

    def silent(self, name: str, round_: int, newest: int) -> None:
        """A round is over in which a device was asked and not heard; again does nothing, as where its end
        could not be committed. The rest begins with the ``newest`` of the rounds under way."""
        times, last = self._silences.get(name, (0, 0))
        times = min(times + (round_ != last), _MOST_DOUBLINGS)
        self._silences[name] = times, round_
        self._until[name] = newest + 1 + 2**times

    def heard(self, name: str) -> None:
        """A device is there."""
        self._silences.pop(name, None)
        self._until.pop(name, None)

    def is_resting(self, name: str, round_: int) -> bool:
        """Whether a round is not to ask a device."""
        return self._until.get(name, 0) > round_

    def end(self) -> None:
        """All rests, where too few others are left to ask."""
        self._until.clear()
