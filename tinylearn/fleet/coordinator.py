"""The coordinator as a pure state machine: events and the time in, effects out.

What must survive is in the changes of an event's effects, committed before anything is sent. A
machine made from the store goes on where the last one was, wherever that one ended: rounds are
drawn by number and seed, updates are kept until they are in a version, devices repeat what was lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tinylearn.errors import BadInputError
from tinylearn.fleet import messages as m
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Chosen, Effects, Event, Fetched, Received, Requested, Tick
from tinylearn.fleet.head import Head
from tinylearn.fleet.records import Device, PutDevice, PutState, Saved
from tinylearn.fleet.requests import Requests, answer
from tinylearn.fleet.rollouts import Rollouts
from tinylearn.fleet.roster import Roster
from tinylearn.fleet.rounds import Rounds
from tinylearn.fleet.strategies.base import Strategy


class Coordinator:
    """One run. ``counters``: what happened how often, for metrics; ``handle`` is all there is."""

    def __init__(
        self, saved: Saved, strategy: Strategy, config: Config, make_blob: Callable[[bytes], bytes],
        now: float,
    ) -> None:  # fmt: skip
        self.run, self.config = saved.run, config
        self.paused = saved.states.get("paused") == "1"
        self.counters: Counter[str] = Counter()
        self.head = Head(saved.head)
        self.roster = Roster(saved.run, config, saved.devices, _needs(strategy))
        self.rollouts = Rollouts(saved, make_blob, config)
        self.rounds = Rounds(saved, strategy, config, self.roster, self.head, self.counters, now)
        self._restoring: list[Requested] = []

    @property
    def is_done(self) -> bool:
        """All rounds are over."""
        return self.rounds.last_round >= self.config.rounds and not self.rounds.open

    # ---- events ----

    def handle(self, event: Event, now: float) -> Effects:
        """What an event leads to. ``now`` in seconds of a clock that never jumps."""
        effects = Effects()
        if isinstance(event, Received):
            self._receive(event, now, effects)
        elif isinstance(event, Requested):
            Requests(self).carry_out(event, now, effects)
        elif isinstance(event, Fetched):
            self._fetched(event, effects)
        elif isinstance(event, Chosen):
            self.roster.choose(event.names)
        elif isinstance(event, Tick):
            self.rounds.watch(now, effects)
            self.rollouts.go_on(self.roster, self.rounds.busy(), now, effects)
        if not self.paused:
            self.rounds.open_some(now, effects)
        return effects

    def _receive(self, event: Received, now: float, effects: Effects) -> None:
        self.counters["messages"] += 1
        self.roster.rests.heard(event.device)
        try:
            body = m.unpack(event.content, m.UP)
            self._dispatch(event.device, body, now, effects)
        except BadInputError as error:
            self.counters["malformed"] += 1
            last = self.rounds.last_round
            self.roster.strike(event.device, str(error), last, last, effects)

    def _dispatch(self, name: str, body: m.Body, now: float, effects: Effects) -> None:
        if isinstance(body, m.Update):
            self.rounds.updated(name, body, now, effects)
        elif isinstance(body, m.Pull):
            self._pulled(name, body, now, effects)
        elif isinstance(body, m.Progress):
            self.rounds.progressed(name, body, now, effects)
        elif isinstance(body, m.Announce):
            self._announced(name, body, now, effects)
        elif isinstance(body, m.Refusal):
            self._refused(name, body, now, effects)
        elif isinstance(body, m.Gone):
            self._left(name, body, now, effects)
        elif isinstance(body, m.Deployed):
            self._deployed(name, body, effects)

    # ---- devices ----

    def put_device(self, device: Device | None, effects: Effects) -> None:
        """Keeps a device's new record, None for no change."""
        if device is not None:
            effects.changes.append(PutDevice(device))

    def _announced(self, name: str, said: m.Announce, now: float, effects: Effects) -> None:
        if said.model_hash != self.run.model_hash:
            self.counters["foreign"] += 1
        has_restarted = said.births != self.roster.get(name).births
        last = self.rounds.last_round
        self.put_device(self.roster.announced(name, said, now, last), effects)
        if has_restarted:
            self.rounds.restart(name, now)

    def _left(self, name: str, said: m.Gone, now: float, effects: Effects) -> None:
        device = self.roster.gone(name, said.births)
        self.put_device(device, effects)
        if device is not None:
            self.rounds.give_up_all(name, "left", now, effects)

    def _pulled(self, name: str, asked: m.Pull, now: float, effects: Effects) -> None:
        if asked.run != 0:
            self.rounds.pulled(name, asked, now, effects)
            return
        piece = self.rollouts.pulled(name, asked, now)
        if piece is not None:
            effects.sends.append((name, piece))

    def _refused(self, name: str, said: m.Refusal, now: float, effects: Effects) -> None:
        self.counters[f"refusal {said.fault.name.lower()}"] += 1
        if said.fault == m.Fault.DIVERGED:
            self.rollouts.failed(self.roster.get(name).deployed, name, effects)
        self.rounds.refused(name, said, now, effects)

    def _deployed(self, name: str, said: m.Deployed, effects: Effects) -> None:
        device = self.rollouts.installed(self.roster, self.roster.get(name), said, effects)
        self.put_device(device, effects)

    # ---- for requests ----

    def pause(self, paused: bool, effects: Effects) -> None:
        """Opens no further rounds, or goes on."""
        self.paused = paused
        effects.changes.append(PutState("paused", str(int(paused))))

    def restore(self, version: int, request: Requested, effects: Effects) -> None:
        """Goes on from the weights of an earlier version, once they are there; the request is not
        done with before."""
        self._restoring.append(request)
        effects.wanted.append(version)

    def _fetched(self, event: Fetched, effects: Effects) -> None:
        done = [r for r in self._restoring if r.command["version"] == event.version]
        self._restoring = [r for r in self._restoring if r not in done]
        for request in done:
            self._restored(request, event, effects)
        if not done:
            self.rollouts.fetched(event.version, event.weights, effects)

    def _restored(self, request: Requested, event: Fetched, effects: Effects) -> None:
        if event.weights is not None:
            note = f"back to {event.version}"
            effects.changes.append(self.head.advance(event.weights, 0, 0, note))
        gone = f"version {event.version} is no longer kept" if event.weights is None else ""
        answer(request, gone, "", effects)


def _needs(strategy: Strategy) -> m.Capability:
    """What a device must be able to do for a strategy's work."""
    work = strategy.work(1)
    memory = work.share < 1 or work.local_samples > 0
    return m.Capability.LEARN | (m.Capability.SPARSE if memory else m.Capability.NONE)
