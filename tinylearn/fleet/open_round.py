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
    """What one device was asked. ``remind_at``: when, unless it is heard before.

    ``may_repeat``: a message that brings nothing new is answered once after each reminder and not
    otherwise, or every message that a network repeats would start a conversation of its own
    (the sorcerer's apprentice of RFC 1123, 4.2.3.1).
    """

    assembly: Assembly
    remind_at: float
    wait: float
    phase: Phase = Phase.IDLE
    failed: bool = False
    pulled: int = -1
    may_repeat: bool = True
    is_silent: bool = True

    def answers(self, is_new: bool) -> bool:
        """Whether a message is answered."""
        answered = is_new or self.may_repeat
        self.may_repeat = False
        return answered

    def answers_pull(self, offset: int) -> bool:
        """The same of a request for the weights from an offset on."""
        answered = self.answers(offset > self.pulled)
        self.pulled = offset if answered else self.pulled
        return answered

    def restart(self, now: float) -> None:
        """The device knows nothing of its task any more."""
        self.phase, self.remind_at, self.pulled = Phase.IDLE, now, -1

    def heard(self, now: float, wait: float) -> None:
        """The device is at it: the next reminder is due only after a silence."""
        self.is_silent = False
        self.wait, self.remind_at = wait, now + wait

    def remind(self, now: float, most: float) -> bool:
        """Whether it is time for a reminder; each one doubles the time to the next."""
        if now < self.remind_at:
            return False
        self.wait = min(2 * self.wait, most)
        self.remind_at = now + self.wait
        self.may_repeat = True
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

    def recall(self, before: OpenRound) -> None:
        """The same round in a machine of before: when it ends, and who has been heard."""
        self.deadline = before.deadline
        for name in self.assignments.keys() & before.assignments.keys():
            self.assignments[name].is_silent = before.assignments[name].is_silent

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
