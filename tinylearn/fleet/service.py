"""The shell around the coordinator's state machine: transport, store and clock.

For each batch of messages: the machine says what it leads to, the store commits it, and only then
are the messages acknowledged and the answers sent, but for tasks, which go out meanwhile. Where a
commit fails the machine is made anew from what the store holds, so the two never differ, and the
batch is dealt with once more.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinylearn.errors import UsageError
from tinylearn.fleet.config import Config
from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.events import Chosen, Effects, Event, Fetched, Received, Requested, Tick
from tinylearn.fleet.messages import Task
from tinylearn.fleet.open_round import OpenRound
from tinylearn.fleet.records import Run
from tinylearn.fleet.rests import Rests
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.store import DuplicateUpdateError, HeadMovedError, Store, StoreError
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.transports.base import CoordinatorTransport, Incoming

_log = logging.getLogger(__name__)
#: messages that wait are dealt with in one transaction, up to so many
_BATCH = 64
_TICK_SECONDS = 0.1
_POLL_SECONDS = 0.5
_LONGEST_PAUSE = 10.0


@dataclass
class Service:
    """One coordinator process. ``on_effects`` is told of everything after it was committed and
    sent, for logs and metrics, ``on_commit`` of the seconds that a transaction took; ``chosen`` is
    asked at each step for a new choice of who may learn; ``clock`` gives seconds and never jumps."""

    store: Store
    transport: CoordinatorTransport
    run: Run
    strategy: Strategy
    config: Config
    make_blob: Callable[[bytes], bytes]
    is_mine: Callable[[str], bool] = lambda _: True
    shard: Shard = field(default_factory=Shard)
    clock: Callable[[], float] = time.monotonic
    on_effects: Callable[[Coordinator, Effects], None] = lambda *_: None
    on_commit: Callable[[float], None] = lambda _: None
    chosen: Callable[[], Chosen | None] = lambda: None
    counters: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._arrived: deque[Incoming] = deque()
        self._next_tick = self._next_poll = 0.0
        self._stopping = self._outdated = False
        self._pause = _TICK_SECONDS
        self._unsettled: list[Incoming] = []
        self._choice: Chosen | None = None
        self._rests, self._under_way = Rests(), dict[int, OpenRound]()
        self.machine = self._made()

    def _made(self) -> Coordinator:
        """A machine that goes on from what the store holds; its counters go on as well, and where only
        the head has moved its rounds end when they would have: one that had a new deadline each time would
        never end beside a coordinator that is faster."""
        saved = self.store.load(self.run.id, self.shard.number, self.shard.count)
        saved.devices = {name: d for name, d in saved.devices.items() if self.is_mine(name)}
        machine = Coordinator(saved, self.strategy, self.config, self.make_blob, self.clock())
        machine.counters = machine.rounds.counters = self.counters
        machine.roster.rests = self._rests
        machine.rounds.recall(self._under_way)
        if self._choice is not None:
            machine.roster.choose(self._choice.names)
        return machine

    # ---- the loop ----

    def start(self) -> None:
        """Lets messages in; ``step`` deals with them."""
        self.transport.start(self._arrived.append)

    def serve(self, until_done: bool = False) -> None:
        """Until ``stop`` is called, or with ``until_done`` until all rounds are over."""
        self.start()
        while not self._stopping and not (until_done and self.is_done):
            self.step()

    @property
    def is_done(self) -> bool:
        """All rounds are over, and the store knows."""
        return self.machine.is_done and not self._outdated

    def stop(self) -> None:
        """Ends ``serve`` soon; may be called from anywhere."""
        self._stopping = True

    def step(self) -> None:
        """Deals with what has arrived, after at most one tick."""
        if not self._outdated or self._begin_again():
            self.settle(self._unsettled or self._batch())

    def settle(self, batch: Sequence[Incoming]) -> None:
        """Deals with messages, and with what time brings; they are acknowledged once it is done."""
        mine = [incoming for incoming in batch if self.is_mine(incoming.device)]
        events: list[Event] = [*self._choices()]  # first: any event may open a round
        events += [Received(i.device, i.channel, i.content) for i in mine]
        events += self._due()
        if events and not self._deal(events):
            self._unsettled = list(batch)
            return
        self._unsettled = []
        for incoming in batch:
            self.transport.acknowledge(incoming)

    def _batch(self) -> list[Incoming]:
        """What waits, up to a batch; else the first that comes until the next tick."""
        if len(self._arrived) < _BATCH:
            wait = 0.0 if self._arrived else max(0.0, self._next_tick - self.clock())
            self.transport.wait(wait)
        return [self._arrived.popleft() for _ in range(min(_BATCH, len(self._arrived)))]

    def _due(self) -> list[Event]:
        """What time itself brings: ticks, and now and then an operator's requests, which the store
        keeps until what they lead to is committed."""
        now, events = self.clock(), list[Event]()
        if now >= self._next_tick:
            self._next_tick = now + _TICK_SECONDS
            events.append(Tick())
        if now >= self._next_poll:
            self._next_poll = now + _POLL_SECONDS
            events += self._requests()
        return events

    def _choices(self) -> list[Chosen]:
        """A new choice of who may learn; it is not in the store, and so kept here for a machine that is
        made anew."""
        choice = self.chosen()
        if choice is None:
            return []
        self._choice = choice
        return [choice]

    def _requests(self) -> list[Requested]:
        try:
            waiting = self.store.requests(self.run.id)
        except StoreError as error:
            _log.error("requests cannot be read: %s", error)
            return []
        requests = [Requested(_command(text), number) for number, text in waiting]
        return [request for request in requests if self._is_for_us(request.command)]

    def _is_for_us(self, command: dict[str, Any]) -> bool:
        """What another shard is asked waits on; what says no shard is for whoever takes it."""
        shard = command.get("shard", self.shard.number)
        others = isinstance(shard, int) and 0 <= shard < self.shard.count
        return shard == self.shard.number or not others

    # ---- one transaction ----

    def _deal(self, events: Sequence[Event]) -> bool:
        """Events to effects to the store to the devices; False where nothing was kept."""
        effects, counted = Effects(), dict(self.counters)
        for event in events:
            _merge(effects, self.machine.handle(event, self.clock()))
        if self._send_all(effects, early=True):
            self.transport.flush()
        if not self._commit(effects, counted):
            return False
        self._send_all(effects, early=False)
        self.on_effects(self.machine, effects)
        self._fetch(effects.wanted)
        return True

    def _commit(self, effects: Effects, counted: Mapping[str, int]) -> bool:
        """``counted``: the counters of before; what is not kept never happened."""
        if not effects.changes:
            return True
        began = self.clock()
        try:
            self.store.commit(self.run.id, effects.changes, self.shard.number)
            self.on_commit(self.clock() - began)
            self._pause, self._under_way = _TICK_SECONDS, dict(self.machine.rounds.open)
            return True
        except (HeadMovedError, DuplicateUpdateError):
            self._count_as(counted)
            self.counters["head moved"] += 1
        except StoreError as error:
            self._count_as(counted)
            self._under_way = {}  # devices could not be answered: rounds have their whole time again
            self._failed("not committed", error)
        self._outdated = True
        return False

    def _count_as(self, counted: Mapping[str, int]) -> None:
        self.counters.clear()
        self.counters.update(counted)

    def _failed(self, what: str, error: StoreError) -> None:
        """The database may come back: a pause, longer each time."""
        self.counters["store failures"] += 1
        _log.error("%s: %s", what, error)
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _begin_again(self) -> bool:
        """The machine has gone a step that the store has not: it is made anew."""
        try:
            self.machine = self._made()
        except StoreError as error:
            self._failed("not read", error)
            return False
        self._outdated, self._next_tick = False, self.clock()  # before the head moves once more
        return True

    def _send_all(self, effects: Effects, early: bool) -> bool:
        """Tasks go out while the store commits what they start from: devices learn meanwhile, and
        what they send is dealt with after it. Should it never be committed, the task's attempt
        tells that its update is of other weights, and its device is freed when it tells of it.
        Where coordinators share a run that is no exception, and tasks wait for the commit."""
        chosen = [(device, body) for device, body in effects.sends
                  if (isinstance(body, Task) and self.shard.count == 1) == early]  # fmt: skip
        for device, body in chosen:
            self.transport.send(device, body.pack())
        return bool(chosen)

    def _fetch(self, versions: Sequence[int]) -> None:
        if versions:
            self._deal([Fetched(version, self._weights(version)) for version in versions])

    def _weights(self, version: int) -> bytes | None:
        try:
            return self.store.weights(self.run.id, version)
        except (UsageError, StoreError) as error:
            _log.error("%s", error)
            return None


def _merge(into: Effects, more: Effects) -> None:
    into.changes += more.changes
    into.sends += more.sends
    into.wanted += [version for version in more.wanted if version not in into.wanted]


def _command(text: str) -> dict[str, Any]:
    """What is no JSON object makes a command that is refused."""
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        command = None
    return command if isinstance(command, dict) else {"do": f"{text[:200]!r}, no JSON object"}
