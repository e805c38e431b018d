"""How a fleet stands, as a table that people watch."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tinylearn.fleet.observers import Observer
from tinylearn.fleet.round_watch import RoundEnd
from tinylearn.fleet.snapshot import Snapshot

if TYPE_CHECKING:
    from rich.live import Live

_BADLY = ("malformed", "foreign", "given up", "silent", "rounds void", "updates refused", "updates late",
          "updates stale", "store failures")  # fmt: skip
_ENDS = 5


class LiveTable(Observer):
    """Draws into ``live``, at each look."""

    def __init__(self, live: Live, title: str) -> None:
        self._live, self._title = live, title
        self._ends: deque[RoundEnd] = deque(maxlen=_ENDS)

    def round_ended(self, end: RoundEnd) -> None:
        """The last ones are shown."""
        self._ends.append(end)

    def looked(self, snapshot: Snapshot) -> None:
        """Draws."""
        from rich.table import Table

        table = Table(title=self._title, show_header=False, title_justify="left")
        table.add_column()
        table.add_column()
        for name, value in rows(snapshot, list(self._ends)):
            table.add_row(name, value)
        self._live.update(table, refresh=True)


def rows(snapshot: Snapshot, ends: list[RoundEnd]) -> list[tuple[str, str]]:
    """(name, value) of what is shown."""
    devices, counters = snapshot.devices, snapshot.counters
    shown = [
        ("state", _state(snapshot)),
        ("devices", ", ".join(f"{count:,} {state}" for state, count in devices.items() if count)),
        ("rounds", f"{snapshot.last_round:,} of {snapshot.rounds:,}, version {snapshot.head:,}"),
    ]
    for opened in snapshot.open_rounds[:_ENDS]:
        said = f"{opened.reported} of {opened.asked} reports, {opened.age:.1f} s"
        shown.append((f"round {opened.number:,}", said))
    shown += [(f"round {end.round:,}", _said(end)) for end in ends]
    for rollout in snapshot.rollouts[-_ENDS:]:
        said = f"{rollout.state}, {rollout.share:.0%}: {rollout.installed} have it"
        shown.append((f"version {rollout.version:,}", f"{said}, {rollout.failed} failed"))
    bad = ", ".join(f"{counters[name]:,} {name}" for name in _BADLY if counters.get(name))
    return shown + ([("trouble", bad)] if bad else [])


def _state(snapshot: Snapshot) -> str:
    if not snapshot.connected:
        return "no broker"
    return "paused" if snapshot.paused else "serving"


def _said(end: RoundEnd) -> str:
    what = f"version {end.version:,}" if end.version else "void"
    return f"{what}, {end.reports} reports, loss {end.mean_loss:.4g}, {end.seconds:.2f} s"
