"""A whole fleet in this process and in virtual time: the coordinator as it is, twins of the generated
C as devices, and a network in memory that does what networks do.

Nothing waits: time jumps to what happens next. The same scenario gives the same run, byte for byte.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from zlib import crc32

import numpy as np

from tinylearn.device.twin import TwinLibrary
from tinylearn.fleet.agent import TwinAgent
from tinylearn.fleet.board import unpacked
from tinylearn.fleet.config import Config
from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.events import Effects
from tinylearn.fleet.feed import Source
from tinylearn.fleet.messages import Encoding, Update
from tinylearn.fleet.model import FleetModel
from tinylearn.fleet.records import AddUpdate, AddVersion, PutRound, Run
from tinylearn.fleet.scenario import Scenario
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import Store
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.memory import MemoryDevice, MemoryNetwork
from tinylearn.fleet.transports.metered import MeteredTransport

_TICK = 0.1
_ANNOUNCE_SECONDS = 60.0


@dataclass(frozen=True)
class Point:
    """The run after a round. ``loss``: mean of the devices' own before learning; NaN of a void
    round."""

    seconds: float
    round: int
    version: int
    reports: int
    loss: float


@dataclass
class Outcome:
    """How a simulated run went. ``seconds`` are virtual; ``weights``: the exchanged ones; bytes are
    those of all messages that reached the coordinator or left it."""

    seconds: float
    points: list[Point]
    counters: Counter[str]
    network: Counter[str]
    weights: bytes
    resets: int = 0
    departures: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


@dataclass
class _Device:
    """A device and its line. ``slow``: factor on the time that its tasks take."""

    agent: TwinAgent
    link: MemoryDevice
    slow: float
    lie: float
    away_until: float = 0.0
    busy_until: float = 0.0


@dataclass
class Simulation:
    """One run. ``on_point`` is told of each round that ended, for progress, ``on_effects`` as
    ``Service`` tells."""

    model: FleetModel
    library: TwinLibrary
    source: Source
    run: Run
    strategy: Strategy
    config: Config
    scenario: Scenario
    store: Store
    on_point: Callable[[Point], None] = lambda _: None
    on_effects: Callable[[Coordinator, Effects], None] = lambda *_: None
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.scenario.seed}/devices")
        self._network = MemoryNetwork(self.scenario.faults(), self.scenario.seed)
        self.transport = MeteredTransport(self._network.coordinator)
        self._arrived: list[Incoming] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._losses: list[float] = []
        self._resets = self._departures = 0
        self._devices = [self._device(i) for i in range(self.scenario.devices)]
        self._service = Service(
            self.store, self.transport, self.run, self.strategy, self.config, self.model.blob,
            clock=self.now, on_effects=self._note,
        )  # fmt: skip

    def _device(self, number: int) -> _Device:
        name, scenario = f"d{number:05d}", self.scenario
        agent = TwinAgent(name, self.library.open(name), self.source)
        slow = scenario.slowness if self._random.random() < scenario.stragglers else 1.0
        lie = scenario.lie if self._random.random() < scenario.liars else 1.0
        return _Device(agent, self._network.device(name), slow, lie)

    # ---- the run ----

    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._network.now

    def go(self, most_seconds: float = 86_400.0) -> Outcome:
        """Until all rounds are over, or the virtual time is up."""
        self.transport.start(self._arrived.append)
        for device in self._devices:
            self._join(device)
        while not self._service.is_done and self._network.now < most_seconds:
            self._advance()
        outcome = Outcome(self._network.now, self.points, self._service.counters,
                          self._network.counts, self._service.machine.head.data,
                          self._resets, self._departures,
                          self.transport.bytes_up, self.transport.bytes_down)  # fmt: skip
        for device in self._devices:
            device.agent.twin.close()
        return outcome

    def _advance(self) -> None:
        """To the next thing that happens, at most one tick."""
        upcoming = [self._network.now + _TICK]
        if (arrival := self._network.next_time()) is not None:
            upcoming.append(arrival)
        if self._later:
            upcoming.append(self._later[0][0])
        self._network.run(until=max(self._network.now, min(upcoming)))
        while self._later and self._later[0][0] <= self._network.now:
            heapq.heappop(self._later)[2]()
        self._churn()
        batch, self._arrived[:] = list(self._arrived), []
        self._service.settle(batch)

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self._network.now + seconds, next(self._numbers), do))

    # ---- devices ----

    def _join(self, device: _Device) -> None:
        agent = device.agent
        device.link.start(
            agent.announce(), agent.will(), lambda content: self._take(device, content)
        )
        self._after(_ANNOUNCE_SECONDS, lambda: self._announce_again(device))

    def _announce_again(self, device: _Device) -> None:
        """In case the first one was lost."""
        if device.away_until == 0.0:
            device.link.announce(device.agent.announce())
            self._after(_ANNOUNCE_SECONDS, lambda: self._announce_again(device))

    def _take(self, device: _Device, content: bytes) -> None:
        if self._random.random() < self.scenario.resets:
            self._resets += 1
            device.agent.restart()
            device.link.announce(device.agent.announce())
            return
        for message in device.agent.take(content):
            device.link.send(message)
        if device.agent.wants_samples and device.busy_until <= self._network.now:
            births, seconds = device.agent.births, self.scenario.compute * device.slow
            device.busy_until = self._network.now + seconds
            self._after(seconds, lambda: self._learn(device, births))

    def _learn(self, device: _Device, births: int) -> None:
        """The task's time has passed; nothing is sent if the device was reset or left meanwhile."""
        if device.agent.births != births or device.away_until:
            return
        while device.agent.wants_samples:
            for message in device.agent.learn():
                device.link.send(_told(message, device.lie))

    def _churn(self) -> None:
        chance = self.scenario.churn * _TICK / 60
        if chance == 0.0:
            return
        leaving = self._random.random() < chance * len(self._devices)
        if leaving:
            self._leave(self._devices[self._random.randrange(len(self._devices))])

    def _leave(self, device: _Device) -> None:
        if device.away_until:
            return
        self._departures += 1
        seconds = self._random.expovariate(1 / self.scenario.away)
        device.away_until = self._network.now + seconds
        device.link.drop()
        self._after(seconds, lambda: self._return(device))

    def _return(self, device: _Device) -> None:
        device.away_until = 0.0
        device.agent.restart()
        self._join(device)

    # ---- what is noted ----

    def _note(self, machine: Coordinator, effects: Effects) -> None:
        self.on_effects(machine, effects)
        reports = 0
        for change in effects.changes:
            if isinstance(change, AddUpdate):
                self._losses.append(change.update.loss)
            elif isinstance(change, AddVersion):
                reports = change.version.reports
            elif isinstance(change, PutRound) and not change.round.open:
                loss = float(np.mean(self._losses)) if self._losses else float("nan")
                point = Point(
                    self._network.now, change.round.number, change.round.version, reports, loss
                )
                self.points.append(point)
                self._losses.clear()
                self.on_point(point)


def _told(message: bytes, lie: float) -> bytes:
    """What a device says of its update: the truth, or that times ``lie``."""
    said = unpacked(message) if lie != 1.0 else None
    if not isinstance(said, Update) or said.encoding != Encoding.WEIGHTS:
        return message
    return _lied(said, lie).pack()


def _lied(said: Update, lie: float) -> Update:
    data = (np.frombuffer(said.data, "<f4") * np.float32(lie)).astype("<f4").tobytes()
    return replace(said, data=data, crc=crc32(data))
