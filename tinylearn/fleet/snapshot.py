"""How a coordinator stands at one instant, as values that any thread may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tinylearn.fleet.coordinator import Coordinator


@dataclass(frozen=True)
class RoundView:
    """A round under way; ``age`` in seconds."""

    number: int
    asked: int
    reported: int
    age: float


@dataclass(frozen=True)
class RolloutView:
    """``share``: of the devices that are to have the version now."""

    version: int
    state: str
    share: float
    installed: int
    failed: int


@dataclass(frozen=True)
class Snapshot:
    """``devices``: how many are known, online, eligible (may be asked), isolated, held, evicted.
    ``counters``: of the machine; ``transport``: what its transport counts."""

    head: int
    last_round: int
    rounds: int
    paused: bool
    connected: bool
    devices: Mapping[str, int]
    open_rounds: tuple[RoundView, ...] = ()
    rollouts: tuple[RolloutView, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    transport: Mapping[str, int] = field(default_factory=dict)


def take(
    machine: Coordinator, transport: Mapping[str, int], connected: bool, now: float
) -> Snapshot:
    """To be called by the thread that drives the machine; ``now`` in seconds of its clock."""
    rounds = machine.rounds
    return Snapshot(
        head=machine.head.version.number,
        last_round=rounds.last_round,
        rounds=machine.config.rounds,
        paused=machine.paused,
        connected=connected,
        devices=_devices(machine),
        open_rounds=_open_rounds(machine, now),
        rollouts=_rollouts(machine),
        counters=dict(machine.counters),
        transport=dict(transport),
    )


def _devices(machine: Coordinator) -> dict[str, int]:
    eligible = machine.roster.eligible()
    following = machine.rounds.last_round + 1
    devices = machine.roster.devices.values()
    isolated = {d.name for d in devices if d.isolated_until > following}
    return {
        "known": len(devices),
        "online": sum(d.online for d in devices),
        "eligible": len(eligible) - len(isolated.intersection(eligible)),
        "isolated": len(isolated),
        "held": sum(d.paused for d in devices),
        "evicted": sum(d.evicted for d in devices),
    }


def _open_rounds(machine: Coordinator, now: float) -> tuple[RoundView, ...]:
    whole = machine.config.deadline
    return tuple(
        RoundView(number, len(o.assignments), len(o.updates), now - (o.deadline - whole))
        for number, o in sorted(machine.rounds.open.items())
    )


def _rollouts(machine: Coordinator) -> tuple[RolloutView, ...]:
    return tuple(
        RolloutView(r.version, r.state, r.stages[r.stage], len(r.installed), len(r.failed))
        for r in machine.rollouts.records.values()
    )
