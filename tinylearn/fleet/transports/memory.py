"""A fleet in memory: broker, coordinator's end and devices' ends in one object, in virtual time.

No threads and no clock: a message is delivered when ``run`` reaches its time. The same calls with
the same seed give the same deliveries. What is kept of MQTT is what the protocol leans on: what
the coordinator has not acknowledged comes again when it is back, states are retained, wills are
published when a device is lost, and what goes to somebody who is away is gone (down) or waits (up).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from tinylearn.errors import UsageError
from tinylearn.fleet.topics import check_name
from tinylearn.fleet.transports.base import Incoming


@dataclass(frozen=True)
class Faults:
    """What happens to messages: ``loss``, ``duplication`` and ``reordering`` are probabilities
    (0 to 1) for each, ``delay`` seconds (shortest, longest). Messages of a way between two ends
    keep their order unless one is reordered, that is held back by up to ``held`` seconds more."""

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    held: float = 1.0

    def __post_init__(self) -> None:
        chances = (self.loss, self.duplication, self.reordering)
        if not all(0 <= p <= 1 for p in chances) or not 0 <= self.delay[0] <= self.delay[1]:
            raise UsageError("faults: probabilities are 0 to 1, delays not negative and in order")


class MemoryNetwork:
    """``counts``: sent, lost, duplicated, reordered, delivered, undeliverable."""

    def __init__(self, faults: Faults | None = None, seed: int = 0) -> None:
        self.now = 0.0
        self.counts: Counter[str] = Counter()
        self.coordinator = MemoryCoordinator(self)
        self.devices: dict[str, MemoryDevice] = {}
        self.retained: dict[str, bytes] = {}
        self._faults, self._random = faults or Faults(), random.Random(seed)
        self._queue: list[tuple[float, int, Callable[[], bool]]] = []
        self._order = count()
        self._latest: dict[tuple[str, str], float] = {}

    def device(self, name: str) -> MemoryDevice:
        """A new device's end."""
        if check_name("device", name) in self.devices:
            raise UsageError(f"device {name!r}: is there already")
        self.devices[name] = MemoryDevice(self, name)
        return self.devices[name]

    def next_time(self) -> float | None:
        """When the next message arrives; None where nothing is on its way."""
        return self._queue[0][0] if self._queue else None

    def run(self, until: float | None = None) -> int:
        """Delivers what arrives up to the time ``until``, which it then is, or without it until
        nothing is on its way; gives how many messages were handed over."""
        delivered = 0
        while self._queue and (until is None or self._queue[0][0] <= until):
            time, _, hand_over = heapq.heappop(self._queue)
            self.now = max(self.now, time)
            done = hand_over()
            delivered += done
            self.counts["delivered" if done else "undeliverable"] += 1
        self.now = max(self.now, until or 0.0)
        return delivered

    def carry(self, way: tuple[str, str], hand_over: Callable[[], bool]) -> bool:
        """Puts a message on its way, with the faults there are; False where it is lost."""
        self.counts["sent"] += 1
        if self._random.random() < self._faults.loss:
            self.counts["lost"] += 1
            return False
        self._schedule(way, hand_over)
        if self._random.random() < self._faults.duplication:
            self.counts["duplicated"] += 1
            self._schedule(way, hand_over)
        return True

    def _schedule(self, way: tuple[str, str], hand_over: Callable[[], bool]) -> None:
        time = self.now + self._random.uniform(*self._faults.delay)
        time = max(time, self._latest.get(way, 0.0))
        self._latest[way] = time
        if self._random.random() < self._faults.reordering:
            self.counts["reordered"] += 1
            time += self._random.uniform(0.0, self._faults.held)
        heapq.heappush(self._queue, (time, next(self._order), hand_over))


class MemoryCoordinator:
    """A CoordinatorTransport. After ``close`` it can be started again, as by a new process."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._deliver: Callable[[Incoming], None] | None = None
        self._numbers = count(1)
        self.unacknowledged: dict[int, Incoming] = {}

    def start(self, deliver: Callable[[Incoming], None]) -> None:
        """See CoordinatorTransport: first what was not acknowledged, then all retained states."""
        self._deliver = deliver
        for incoming in list(self.unacknowledged.values()):
            self._again(incoming)
        for device, state in sorted(self._network.retained.items()):
            self.carry(device, "state", state)

    def wait(self, seconds: float) -> None:
        """See CoordinatorTransport; it is ``MemoryNetwork.run`` that delivers."""

    def flush(self) -> None:
        """See CoordinatorTransport; nothing waits."""

    def _again(self, incoming: Incoming) -> None:
        way = (incoming.device, "up")
        self._network.carry(way, lambda: self._hand_over(incoming))

    def carry(self, device: str, channel: str, content: bytes) -> bool:
        """A message to the coordinator; False where it is lost on the way."""
        return self._network.carry((device, "up"), lambda: self._arrived(device, channel, content))

    def _arrived(self, device: str, channel: str, content: bytes) -> bool:
        """At the broker, which keeps it until it is acknowledged."""
        number = next(self._numbers)
        incoming = Incoming(device, channel, content, number)
        self.unacknowledged[number] = incoming
        return self._hand_over(incoming)

    def _hand_over(self, incoming: Incoming) -> bool:
        if self._deliver is None:
            return False
        self._deliver(incoming)
        return True

    def send(self, device: str, content: bytes) -> None:
        """See CoordinatorTransport."""
        end = self._network.devices.get(device)
        if self._deliver is not None and end is not None:
            self._network.carry((device, "down"), lambda: end.arrived(content))

    def acknowledge(self, incoming: Incoming) -> None:
        """See CoordinatorTransport."""
        self.unacknowledged.pop(incoming.token, None)

    def is_connected(self) -> bool:
        """See CoordinatorTransport."""
        return self._deliver is not None

    def close(self) -> None:
        """See CoordinatorTransport; also what a killed coordinator is like to the others."""
        self._deliver = None


class MemoryDevice:
    """A DeviceLink."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self.name = name
        self._network = network
        self._will = b""
        self._deliver: Callable[[bytes], None] | None = None

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        """See DeviceLink; also after ``drop`` or ``close``."""
        self._will, self._deliver = will, deliver
        self.announce(state)

    def send(self, content: bytes) -> None:
        """See DeviceLink; nothing happens while it is not started."""
        if self._deliver is not None:
            self._network.coordinator.carry(self.name, "up", content)

    def announce(self, state: bytes) -> None:
        """See DeviceLink."""
        if self._deliver is not None:
            self._retain(state)

    def _retain(self, state: bytes) -> None:
        if self._network.coordinator.carry(self.name, "state", state):
            self._network.retained[self.name] = state

    def arrived(self, content: bytes) -> bool:
        """A message down; False where the device is away."""
        if self._deliver is None:
            return False
        self._deliver(content)
        return True

    def drop(self) -> None:
        """The connection is lost: the broker publishes the will."""
        if self._deliver is not None:
            self._deliver = None
            self._retain(self._will)

    close = drop
