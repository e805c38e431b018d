"""What the coordinator keeps durably, as values, and the changes it makes to them.

Everything that a coordinator killed at any instant needs in order to go on is in a ``Saved``; every
step forward is a list of ``Change`` that a store commits as one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinylearn.fleet.messages import Capability, Encoding


@dataclass(frozen=True)
class Run:
    """What is being learnt, fixed when the run begins. ``exchanged_bytes``: of the weights, from
    their start, what devices and coordinator exchange. ``parameters``: of the strategy."""

    id: int
    strategy: str
    parameters: dict[str, Any]
    seed: int
    model_name: str
    model_hash: bytes
    weights_bytes: int
    exchanged_bytes: int


@dataclass(frozen=True)
class Version:
    """Weights that the fleet had, and where they come from. ``weights``: all exchanged bytes, or
    None where they are no longer kept; ``crc`` is their CRC-32. ``reports``: updates in it;
    ``round`` 0: the start."""

    number: int
    parent: int
    round: int
    crc: int
    reports: int
    weights: bytes | None = None
    note: str = ""


@dataclass(frozen=True)
class Round:
    """Devices asked together. ``base``: the version they start from. ``open`` until it is closed,
    by reports or its deadline; ``selected`` grows where a device is replaced."""

    number: int
    base: int
    selected: tuple[str, ...]
    open: bool = True
    version: int = 0


@dataclass(frozen=True)
class KeptUpdate:
    """An accepted update. ``stream`` is empty once it has been aggregated; ``norm`` is that of its
    delta."""

    round: int
    device: str
    attempt: int
    encoding: Encoding
    samples: int
    loss: float
    norm: float
    stream: bytes = b""


@dataclass(frozen=True)
class Device:
    """A device as last heard of, and what was decided about it. ``isolated_until``: the first round
    that may ask it again; ``pinned``: a version to stay at, 0 for none."""

    name: str
    model_hash: bytes = b""
    capabilities: Capability = Capability.NONE
    frame_bytes: int = 0
    free_ram: int = 0
    weights_bytes: int = 0
    births: int = 0
    online: bool = False
    deployed: int = 0
    tags: tuple[str, ...] = ()
    strikes: int = 0
    isolated_until: int = 0
    paused: bool = False
    pinned: int = 0
    evicted: bool = False

    @property
    def is_left_out(self) -> bool:
        """Held, evicted or not there: nothing can come of asking it."""
        return self.paused or self.evicted or not self.online


@dataclass(frozen=True)
class Rollout:
    """A version on its way to the devices. ``share``: of the devices that are to have it now;
    ``state``: "running", "paused", "done", "aborted" or "superseded". ``previous``: what to go back
    to. ``turn`` rises from rollout to rollout. Each shard has its own record of a rollout."""

    version: int
    previous: int
    stages: tuple[float, ...]
    stage: int = 0
    state: str = "running"
    most_errors: float = 0.2
    installed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    turn: int = 0


# ---- changes, each part of one transaction ----


@dataclass(frozen=True)
class PutRound:
    """Insert or replace a round; its base stays what it was. An open round keeps the weights of its
    base."""

    round: Round


@dataclass(frozen=True)
class AddUpdate:
    """Insert an update of a round that is there; a second one of the same run, round and device is
    an error of the store (``DuplicateUpdateError``), whatever its attempt."""

    update: KeptUpdate


@dataclass(frozen=True)
class AddVersion:
    """Insert a version, with weights, and make it the newest. Its parent must be the newest until
    then (``HeadMovedError``), its number higher, so that several coordinators can share a store. Streams
    of the updates of its round (of the shard that commits) are dropped."""

    version: Version


@dataclass(frozen=True)
class PutDevice:
    """Insert or replace a device."""

    device: Device


@dataclass(frozen=True)
class PutRollout:
    """Insert or replace the rollout of a version, of the shard that commits."""

    rollout: Rollout


@dataclass(frozen=True)
class PutState:
    """Insert or replace a small named value, such as whether the run is paused."""

    key: str
    value: str


@dataclass(frozen=True)
class Log:
    """Something worth telling, for the log and the run's history. ``detail`` is one line."""

    what: str
    round: int = 0
    device: str = ""
    detail: str = ""


@dataclass(frozen=True)
class DropRequest:
    """A request has been carried out, or refused; in the transaction with what it led to. Another
    coordinator must not have been faster (``HeadMovedError``)."""

    number: int


Change = PutRound | AddUpdate | AddVersion | PutDevice | PutRollout | PutState | DropRequest | Log


@dataclass
class Saved:
    """A run as the store has it: what a coordinator starts from.

    ``updates``: those of open rounds, with their streams, and for the guard the norms of the last ones
    accepted, oldest first. ``reported``: (round, device) of every update of the last rounds, so that
    late repetitions are known.
    """

    run: Run
    head: Version
    devices: dict[str, Device] = field(default_factory=dict)
    open_rounds: dict[int, Round] = field(default_factory=dict)
    bases: dict[int, Version] = field(default_factory=dict)
    updates: list[KeptUpdate] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    reported: set[tuple[int, str]] = field(default_factory=set)
    last_round: int = 0
    rollouts: list[Rollout] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
