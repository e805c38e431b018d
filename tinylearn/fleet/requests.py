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
from tinylearn.fleet.events import Effects, Requested
from tinylearn.fleet.records import Device, DropRequest, Log

if TYPE_CHECKING:
    from tinylearn.fleet.coordinator import Coordinator

_STATES = {"rollout-pause": "paused", "rollout-resume": "running", "rollout-abort": "aborted"}
_DEVICE: dict[str, Callable[[Device, dict[str, Any]], Device]] = {
    "evict": lambda d, _: replace(d, evicted=True),
    "admit": lambda d, _: replace(d, evicted=False, strikes=0, isolated_until=0),
    "hold": lambda d, _: replace(d, paused=True),
    "release": lambda d, _: replace(d, paused=False),
    "pin": lambda d, c: replace(d, pinned=c["version"]),
    "tag": lambda d, c: replace(d, tags=_tags(c["tags"])),
}


def _tags(given: list[Any]) -> tuple[str, ...]:
    """Raises UsageError for one that ``serve --tags`` could not name."""
    tags = tuple(sorted(map(str, given)))
    for tag in tags:
        if "," in tag or tag != tag.strip() or not tag:
            raise UsageError(f"tag {tag!r}: without commas or spaces around it; "
                             "give several tags one after another")  # fmt: skip
    return tags


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UsageError) else repr(error)


def answer(request: Requested, refusal: str, device: str, effects: Effects) -> None:
    """The request is done with; ``refusal``: why it was not carried out."""
    detail = f"{request.command}: {refusal}" if refusal else str(request.command)
    said = Log("bad request", 0, "", detail) if refusal else Log("request", 0, device, detail)
    effects.changes += [said, DropRequest(request.number)]


def _check_version(command: dict[str, Any]) -> None:
    """Raises UsageError where no version can have that number; 0 unpins. Which there are, another
    coordinator may know better."""
    version = command.get("version", 1)
    least = 0 if command.get("do") == "pin" else 1
    if type(version) is not int or not least <= version < 1 << 32:
        raise UsageError(f"there is no version {version!r}")


class Requests:
    """Carries out one command after the other."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def carry_out(self, request: Requested, now: float, effects: Effects) -> None:
        """Does it; what makes no sense is logged and does nothing."""
        command, refusal = request.command, ""
        try:
            _check_version(command)
            if command["do"] == "restore":
                self._coordinator.restore(command["version"], request, effects)
                return
            self._do(command, now, effects)
        except (UsageError, KeyError, TypeError, ValueError, OverflowError) as error:
            refusal = _reason(error)
        answer(request, refusal, command.get("device", ""), effects)

    def _do(self, command: dict[str, Any], now: float, effects: Effects) -> None:
        what, coordinator = command["do"], self._coordinator
        if what in ("pause", "resume"):
            coordinator.pause(what == "pause", effects)
        elif what in _DEVICE:
            self._change_device(what, command, now, effects)
        elif what == "rollout":
            coordinator.rollouts.begin(command["version"], tuple(map(float, command["stages"])),
                                       float(command.get("most_errors", 0.2)), effects)  # fmt: skip
        elif what in _STATES:
            coordinator.rollouts.set_state(command["version"], _STATES[what], effects)
        else:
            raise UsageError(f"unknown command {what!r}")

    def _change_device(
        self, what: str, command: dict[str, Any], now: float, effects: Effects
    ) -> None:  # fmt: skip
        coordinator, name = self._coordinator, command["device"]
        if name not in coordinator.roster.devices:
            raise UsageError(f"no device {name!r}")
        changed = _DEVICE[what](coordinator.roster.get(name), command)
        coordinator.put_device(coordinator.roster.put(changed), effects)
        if what in ("evict", "hold"):
            coordinator.rounds.give_up_all(name, what, now, effects)
