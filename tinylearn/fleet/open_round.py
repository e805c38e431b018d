"""A round under way: who was asked, what came back, when to remind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tinylearn.fleet.assembly import Assembly
from tinylearn.fleet.messages import Phase
from tinylearn.fleet.records import KeptUpdate, Round
from tinylearn.fleet.strategies.base import Report, Work
from tinylearn.fleet.updates import Floats


@dataclass
class Assignment:
    """What one device was asked. ``remind_at``: when, unless it is heard before."""

    assembly: Assembly
    remind_at: float
    wait: float
    phase: Phase = Phase.IDLE
    failed: bool = False

    def heard(self, now: float, wait: float) -> None:
        """The device is at it: the next reminder is due only after a silence."""
        self.wait, self.remind_at = wait, now + wait

    def remind(self, now: float, most: float) -> bool:
        """Whether it is time for a reminder; each one doubles the time to the next."""
        if now < self.remind_at:
            return False
        self.wait = min(2 * self.wait, most)
        self.remind_at = now + self.wait
        return True


@dataclass
class OpenRound:
    """``base``: float32 exchanged weights of the round's version; ``wanted``: how many reports it is
    for, without replacements."""

    round: Round
    base: Floats
    base_bytes: bytes
    base_crc: int
    work: Work
    deadline: float
    wanted: int
    assignments: dict[str, Assignment] = field(default_factory=dict)
    updates: dict[str, tuple[KeptUpdate, Floats]] = field(default_factory=dict)

    def waits_for(self, name: str) -> bool:
        """Whether a device was asked and may still report."""
        assignment = self.assignments.get(name)
        return assignment is not None and not assignment.failed and name not in self.updates

    def outstanding(self) -> Iterator[str]:
        """Devices that were asked and may still report."""
        return (name for name in self.assignments if self.waits_for(name))

    def replace_by(self, name: str, assignment: Assignment) -> None:
        """Another device is asked as well."""
        self.round = replace(self.round, selected=(*self.round.selected, name))
        self.assignments[name] = assignment

    def closed(self, version: int) -> Round:
        """The record of the ended round; version 0: it is void."""
        return replace(self.round, open=False, version=version)

    def is_answered(self) -> bool:
        """Nobody is left to wait for."""
        return next(self.outstanding(), None) is None

    def has_enough(self, least_share: float) -> bool:
        """Enough reports for a version, of the ``wanted`` ones."""
        return len(self.updates) >= max(1, math.ceil(least_share * self.wanted))

    def reports(self, newest: int) -> list[Report]:
        """For the strategy, sorted by device."""
        staleness = newest - self.round.base
        return [Report(name, delta, kept.samples, staleness)
                for name, (kept, delta) in sorted(self.updates.items())]  # fmt: skip
