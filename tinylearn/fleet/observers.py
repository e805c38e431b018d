"""Who is told what a coordinator does: logs, metrics, the run directory, a live table.

All of it happens in the service's thread, after what it tells of was committed and sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.events import Effects
from tinylearn.fleet.presence import Presence
from tinylearn.fleet.records import Change, Device, Log
from tinylearn.fleet.round_watch import RoundEnd, RoundWatch
from tinylearn.fleet.snapshot import Snapshot

#: a look at all devices costs milliseconds where there are thousands
_LOOK_SECONDS = 0.5


class Observer:
    """Base of all; does nothing."""

    def changed(self, changes: Sequence[Change]) -> None:
        """What a transaction has changed."""

    def logged(self, entry: Log) -> None:
        """Something worth telling."""

    def round_ended(self, end: RoundEnd) -> None:
        """A round was closed, or is void."""

    def looked(self, snapshot: Snapshot) -> None:
        """Now and then: how things stand."""

    def committed(self, seconds: float) -> None:
        """A transaction took so long."""


class Observers(Observer):
    """Hands on to all of them. ``look`` takes a snapshot of the machine; ``devices``: as they are at
    the start."""

    def __init__(
        self,
        observers: Iterable[Observer],
        look: Callable[[Coordinator], Snapshot],
        devices: Mapping[str, Device],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observers, self._look, self._clock = tuple(observers), look, clock
        self._watch, self._presence, self._next_look = RoundWatch(), Presence(devices), 0.0

    def on_effects(self, machine: Coordinator, effects: Effects) -> None:
        """For ``Service.on_effects``."""
        now = self._clock()
        self.changed(effects.changes)
        logs = [change for change in effects.changes if isinstance(change, Log)]
        for entry in logs + self._presence.take(effects.changes):
            self.logged(entry)
        for end in self._watch.take(machine, effects.changes, now):
            self.round_ended(end)
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self.looked(self._look(machine))

    def changed(self, changes: Sequence[Change]) -> None:
        """To all."""
        for observer in self._observers:
            observer.changed(changes)

    def logged(self, entry: Log) -> None:
        """To all."""
        for observer in self._observers:
            observer.logged(entry)

    def round_ended(self, end: RoundEnd) -> None:
        """To all."""
        for observer in self._observers:
            observer.round_ended(end)

    def looked(self, snapshot: Snapshot) -> None:
        """To all."""
        for observer in self._observers:
            observer.looked(snapshot)

    def committed(self, seconds: float) -> None:
        """To all."""
        for observer in self._observers:
            observer.committed(seconds)
