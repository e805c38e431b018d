"""What reaches the coordinator's state machine, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinylearn.fleet.messages import Body
from tinylearn.fleet.records import Change


@dataclass(frozen=True)
class Received:
    """A message from a device on its channel "up" or "state"."""

    device: str
    channel: str
    content: bytes


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Requested:
    """An operator's command: ``do`` and its arguments, see ``requests``. ``number``: what the store
    knows it by."""

    command: dict[str, Any]
    number: int


@dataclass(frozen=True)
class Fetched:
    """Exchanged bytes of a version that was in ``Effects.wanted``; None: no longer kept."""

    version: int
    weights: bytes | None


@dataclass(frozen=True)
class Chosen:
    """The only devices that a round may ask from now on, whatever else they are."""

    names: frozenset[str]


Event = Received | Tick | Requested | Fetched | Chosen


@dataclass
class Effects:
    """What an event leads to, in this order: commit ``changes`` as one transaction, acknowledge the
    message, then send ``sends`` and fetch the weights of ``wanted`` versions."""

    changes: list[Change] = field(default_factory=list)
    sends: list[tuple[str, Body]] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
