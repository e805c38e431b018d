"""What became of each round, from the changes that were committed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.records import AddUpdate, Change, PutRound, Round


@dataclass(frozen=True)
class RoundEnd:
    """``version`` 0: the round is void. ``mean_loss``: of its reports, before each learning step; NaN
    without any. ``seconds``: since it was opened, or since this process took it over."""

    round: int
    version: int
    reports: int
    mean_loss: float
    seconds: float


@dataclass
class _Open:
    since: float
    losses: list[float] = field(default_factory=list)


class RoundWatch:
    """Follows one coordinator; where the machine was made anew it starts from what that holds."""

    def __init__(self) -> None:
        self._machine: Coordinator | None = None
        self._open: dict[int, _Open] = {}

    def take(self, machine: Coordinator, changes: Sequence[Change], now: float) -> list[RoundEnd]:
        """The rounds that ended by ``changes``, which ``machine`` has made already."""
        known: set[int] = set()
        if machine is not self._machine:
            self._machine, self._open = machine, self._under_way(machine, now)
            known = set(self._open)
        ends = []
        for change in changes:
            if isinstance(change, AddUpdate) and change.update.round not in known:
                self._round(change.update.round, now).losses.append(change.update.loss)
            elif isinstance(change, PutRound):
                opened = self._round(change.round.number, now)
                if not change.round.open:
                    del self._open[change.round.number]
                    ends.append(_end(change.round, opened, now))
        return ends

    def _under_way(self, machine: Coordinator, now: float) -> dict[int, _Open]:
        """Of rounds that were known it stays known since when."""
        return {
            number: _Open(
                self._round(number, now).since, [kept.loss for kept, _ in opened.updates.values()]
            )
            for number, opened in machine.rounds.open.items()
        }

    def _round(self, number: int, now: float) -> _Open:
        return self._open.setdefault(number, _Open(now))


def _end(record: Round, opened: _Open, now: float) -> RoundEnd:
    reports = len(opened.losses)
    mean = sum(opened.losses) / reports if reports else math.nan
    return RoundEnd(record.number, record.version, reports, mean, now - opened.since)
