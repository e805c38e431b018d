"""A fleet without I/O: the coordinator's state machine, devices in Python, a network that loses,
repeats and reorders, and a store in memory that a killed coordinator is made anew from."""

from __future__ import annotations

import copy
import random
import time
import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from tinylearn.fleet import messages as m
from tinylearn.fleet.config import Config
from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.events import Effects, Event, Received, Tick
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Change,
    Log,
    PutDevice,
    PutRollout,
    PutRound,
    PutState,
    Run,
    Saved,
    Version,
)
from tinylearn.fleet.strategies import find
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.transports.base import Incoming

HASH = bytes(range(16))
COUNT = 40


class PythonDevice:
    """Does what the firmware does, with made-up learning: each task moves the weights by an amount
    that depends on device and round alone."""

    def __init__(self, name: str, frame_bytes: int = 256) -> None:
        self.name, self.frame_bytes, self.births = name, frame_bytes, 1
        self.work, self.deployed, self.fault = 0, 0, 0
        self.restart()

    def restart(self) -> None:
        """Forgets its task."""
        self.births += 1
        self.task: m.Task | None = None
        self.offered: m.Deploy | None = None
        self.stream, self.pulled, self.done = b"", bytearray(), False

    def announce(self) -> bytes:
        can = m.Capability.LEARN | m.Capability.STORE | m.Capability.SPARSE
        return m.Announce(
            can, self.frame_bytes, 9000, 4 * COUNT, self.births, self.deployed, 0, 0, HASH
        ).pack()

    def take(self, content: bytes) -> bytes | None:
        """Its answer to a message."""
        body = m.unpack(content, m.DOWN)
        if isinstance(body, m.Task):
            return self._asked(body)
        if isinstance(body, m.Deploy):
            self.blob, self.offered = bytearray(), body
            return m.Pull(0, 0, body.version, 0, self.frame_bytes - 24).pack()
        if isinstance(body, m.Chunk) and self.offered and body.version == self.offered.version:
            return self._offered(body)
        if self.task is None:
            return None
        if isinstance(body, m.Chunk) and not self.stream:
            return self._given(body)
        same = (
            getattr(body, "run", 0) == self.task.run
            and getattr(body, "round", 0) == self.task.round
        )
        if isinstance(body, m.Next) and same and self.stream and not self.done:
            return self._piece(body.offset)
        if isinstance(body, m.Receipt) and same and body.attempt == self.task.attempt:
            self.done = True
        return None

    def _is_overtaken(self, task: m.Task) -> bool:
        """Of an earlier round or attempt than the one under way."""
        mine = self.task
        if mine is None or self.done or mine.run != task.run:
            return False
        return (task.round, task.attempt) < (mine.round, mine.attempt)

    def _asked(self, task: m.Task) -> bytes | None:
        if self.task is not None and self._is_overtaken(task):
            phase = m.Phase.SENDING if self.stream else m.Phase.PULLING
            return m.Progress(*_key(self.task), phase, 0, 0, 0, 0).pack()
        if self.task is None or _key(task) != _key(self.task):
            self.task, self.stream, self.done = replace(task, data=b""), b"", False
            self.pulled = bytearray(task.data)
            if task.data:
                return self._learn()
        if self.done:
            return m.Progress(task.run, task.round, task.attempt, m.Phase.DONE, 0, 0, 0, 0).pack()
        return self._piece(0) if self.stream else self._pull()

    def _pull(self) -> bytes:
        assert self.task is not None
        room = self.frame_bytes - 24
        return m.Pull(
            self.task.run, self.task.round, self.task.version, len(self.pulled), room
        ).pack()

    def _given(self, chunk: m.Chunk) -> bytes | None:
        assert self.task is not None
        if chunk.version != self.task.version or chunk.offset != len(self.pulled):
            return None
        self.pulled += chunk.data
        return self._learn() if len(self.pulled) == self.task.size else self._pull()

    def _offered(self, chunk: m.Chunk) -> bytes | None:
        """A piece of a version that is being rolled out."""
        assert self.offered is not None
        if chunk.offset != len(self.blob):
            return None
        self.blob += chunk.data
        if len(self.blob) < self.offered.size:
            return m.Pull(0, 0, chunk.version, len(self.blob), self.frame_bytes - 24).pack()
        assert zlib.crc32(self.blob) == self.offered.crc
        self.offered = None
        if not self.fault:
            self.deployed = chunk.version
        return m.Deployed(self.deployed, self.fault).pack()

    def _learn(self) -> bytes:
        assert self.task is not None
        self.work += 1
        base = np.frombuffer(bytes(self.pulled), "<f4")
        assert zlib.crc32(base.tobytes()) == self.task.crc
        self.stream = (base + self.moves(self.task.round)).astype("<f4").tobytes()
        return self._piece(0)

    def moves(self, round_: int) -> np.ndarray:
        seed = zlib.crc32(f"{self.name}/{round_}".encode())
        return np.random.default_rng(seed).standard_normal(COUNT).astype(np.float32)

    def _piece(self, offset: int) -> bytes:
        assert self.task is not None
        room = self.frame_bytes - 60
        data = self.stream[offset : offset + room]
        return m.Update(self.task.run, self.task.round, self.task.attempt, m.Encoding.WEIGHTS, offset,
                        len(self.stream), zlib.crc32(self.stream), 3, 0.5, data).pack()  # fmt: skip


def _key(task: m.Task) -> tuple[int, int, int]:
    return task.run, task.round, task.attempt


@dataclass
class Loopback:
    """Devices that answer at once. ``acknowledged`` in the order of it."""

    devices: dict[str, PythonDevice]
    acknowledged: list[Incoming] = field(default_factory=list)

    def start(self, deliver) -> None:
        self.deliver = deliver
        for device in self.devices.values():
            deliver(Incoming(device.name, "state", device.announce()))

    def send(self, device: str, content: bytes) -> None:
        answer = self.devices[device].take(content)
        if answer is not None:
            self.deliver(Incoming(device, "up", answer))

    def wait(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def flush(self) -> None:
        pass

    def acknowledge(self, incoming: Incoming) -> None:
        self.acknowledged.append(incoming)

    def is_connected(self) -> bool:
        return True

    def close(self) -> None:
        pass


class MemoryStore:
    """What is durable: a ``Saved`` that changes are applied to, all or none."""

    def __init__(self, strategy: str) -> None:
        run = Run(7, strategy, {}, 1, "net", HASH, 4 * COUNT, 4 * COUNT)
        initial = np.zeros(COUNT, "<f4").tobytes()
        self.saved = Saved(run, Version(1, 0, 0, zlib.crc32(initial), 0, initial))
        self.versions = {1: self.saved.head}
        self.aggregated: list[tuple[int, str]] = []
        self.logs: list[Log] = []

    def load(self) -> Saved:
        return copy.deepcopy(self.saved)

    def commit(self, changes: list[Change]) -> None:
        for change in changes:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        saved = self.saved
        if isinstance(change, PutRound):
            number = change.round.number
            saved.last_round = max(saved.last_round, number)
            saved.open_rounds.pop(number, None)
            if change.round.open:
                saved.open_rounds[number] = change.round
                saved.bases[change.round.base] = self.versions[change.round.base]
            saved.updates = [u for u in saved.updates if u.round in saved.open_rounds]
        elif isinstance(change, AddUpdate):
            key = (change.update.round, change.update.device)
            assert key not in saved.reported, "an update was counted twice"
            saved.reported.add(key)
            saved.norms.append(change.update.norm)
            saved.updates.append(change.update)
            self.aggregated.append(key)
        elif isinstance(change, AddVersion):
            assert change.version.parent == saved.head.number
            saved.head = self.versions[change.version.number] = change.version
        elif isinstance(change, PutDevice):
            saved.devices[change.device.name] = change.device
        elif isinstance(change, PutRollout):
            others = [r for r in saved.rollouts if r.version != change.rollout.version]
            saved.rollouts = [*others, change.rollout]
        elif isinstance(change, PutState):
            saved.states[change.key] = change.value
        elif isinstance(change, Log):
            self.logs.append(change)


class World:
    """Coordinator, devices and network under one seed. ``loss``, ``repeat``: shares of messages;
    ``crash``: chance of a kill at each commit, before or after it, and at each send."""

    def __init__(
        self, devices: int = 4, strategy: str = "fed_avg", config: Config | None = None,
        loss: float = 0.0, repeat: float = 0.0, reorder: bool = False, crash: float = 0.0,
        seed: int = 0, frame_bytes: int = 256, parameters: dict | None = None,
    ) -> None:  # fmt: skip
        self.strategy: Strategy = find(strategy, parameters or {})
        self.config = config or Config(rounds=10)
        self.loss, self.repeat, self.reorder, self.crash = loss, repeat, reorder, crash
        self.random = random.Random(seed)
        self.devices = {f"d{i}": PythonDevice(f"d{i}", frame_bytes) for i in range(devices)}
        self.store, self.now = MemoryStore(strategy), 0.0
        self.wire: list[tuple[str, str, bytes]] = []
        self.kills, self.messages = 0, 0
        self.start()

    def start(self) -> None:
        """A coordinator made from the store; its devices' retained states reach it."""
        self.machine = Coordinator(self.store.load(), self.strategy, self.config, bytes, self.now)
        for device in self.devices.values():
            self.handle(Received(device.name, "state", device.announce()))

    def handle(self, event: Event) -> None:
        """As the service does: tasks, commit, the rest. A kill can come anywhere between."""
        effects: Effects = self.machine.handle(event, self.now)
        for early in (True, False):
            for name, body in effects.sends:
                if isinstance(body, m.Task) == early:
                    self.put("down", name, body.pack())
                if self._killed():
                    return
            if early:
                self.store.commit(effects.changes)
            if self._killed():
                return

    def _killed(self) -> bool:
        if self.random.random() >= self.crash:
            return False
        self.kills += 1
        crash, self.crash = self.crash, 0.0
        self.start()
        self.crash = crash
        return True

    def put(self, way: str, name: str, content: bytes) -> None:
        """Onto the wire, or not, or twice."""
        if self.random.random() < self.loss:
            return
        self.wire.append((way, name, content))
        if self.random.random() < self.repeat:
            self.wire.append((way, name, content))

    def step(self) -> None:
        """Delivers one message, or lets time pass where there is none."""
        if not self.wire:
            self.now += 0.5
            self.handle(Tick())
            return
        at = self.random.randrange(len(self.wire)) if self.reorder else 0
        way, name, content = self.wire.pop(at)
        self.messages += 1
        if way == "up":
            self.handle(Received(name, "up", content))
        elif name in self.devices:
            answer = self.devices[name].take(content)
            if answer is not None:
                self.put("up", name, answer)

    def run(self, most_steps: int = 30_000) -> bytes:
        """Until the run is done; the final weights."""
        for _ in range(most_steps):
            if self.machine.is_done:
                return self.machine.head.data
            self.step()
        raise AssertionError(f"not done: round {self.machine.rounds.last_round}")
