"""Commands of an operator, carried out by the coordinator of the run.

A command is a JSON object, ``do`` and its arguments:

    {"do": "pause"}                          open no further rounds
    {"do": "resume"}                         go on
    {"do": "evict", "device": NAME}          never ask it again; "admit" takes that back
    {"do": "hold", "device": NAME}           neither tasks nor versions for it; "release" takes it back
    {"do": "pin", "device": NAME, "version": N}    that version, whatever is rolled out; 0: none
    {"do": "tag", "device": NAME, "tags": [..]}    its tags
    {"do": "rollout", "version": N, "stages": [0.05, 0.25, 1], "most_errors": 0.2}
    {"do": "rollout-pause", "version": N}    and "rollout-resume", "rollout-abort"
    {"do": "restore", "version": N}          learn on from the weights of an earlier version
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tinylearn.errors import UsageError
from tinylearn.fleet.events import Effects
from tinylearn.fleet.records import Device, Log

if TYPE_CHECKING:
    from tinylearn.fleet.coordinator import Coordinator

_STATES = {"rollout-pause": "paused", "rollout-resume": "running", "rollout-abort": "aborted"}
_DEVICE: dict[str, Callable[[Device, dict[str, Any]], Device]] = {
    "evict": lambda d, _: replace(d, evicted=True),
    "admit": lambda d, _: replace(d, evicted=False, strikes=0, isolated_until=0),
    "hold": lambda d, _: replace(d, paused=True),
    "release": lambda d, _: replace(d, paused=False),
    "pin": lambda d, c: replace(d, pinned=int(c["version"])),
    "tag": lambda d, c: replace(d, tags=tuple(sorted(map(str, c["tags"])))),
}


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UsageError) else repr(error)


class Requests:
    """Carries out one command after the other."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def carry_out(self, command: dict[str, Any], now: float, effects: Effects) -> None:
        """Does it; what makes no sense is logged and does nothing."""
        try:
            self._do(command, now, effects)
            effects.changes.append(Log("request", 0, str(command.get("device", "")), str(command)))
        except (UsageError, KeyError, TypeError, ValueError) as error:
            effects.changes.append(Log("bad request", 0, "", f"{command}: {_reason(error)}"))

    def _do(self, command: dict[str, Any], now: float, effects: Effects) -> None:
        what, coordinator = command["do"], self._coordinator
        if what in ("pause", "resume"):
            coordinator.pause(what == "pause", effects)
        elif what in _DEVICE:
            self._change_device(what, command, now, effects)
        elif what == "rollout":
            coordinator.rollouts.begin(int(command["version"]), tuple(map(float, command["stages"])),
                                       float(command.get("most_errors", 0.2)), effects)  # fmt: skip
        elif what in _STATES:
            coordinator.rollouts.set_state(int(command["version"]), _STATES[what], effects)
        elif what == "restore":
            coordinator.restore(int(command["version"]), effects)
        else:
            raise UsageError(f"unknown command {what}")

    def _change_device(
        self, what: str, command: dict[str, Any], now: float, effects: Effects
    ) -> None:  # fmt: skip
        coordinator, name = self._coordinator, str(command["device"])
        if name not in coordinator.roster.devices:
            raise UsageError(f"no device {name}")
        changed = _DEVICE[what](coordinator.roster.get(name), command)
        coordinator.put_device(coordinator.roster.put(changed), effects)
        if what in ("evict", "hold"):
            coordinator.rounds.give_up_all(name, what, now, effects)
