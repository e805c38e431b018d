"""The coordinator as a pure state machine: events and the time in, effects out.

What must survive is in the changes of an event's effects, committed before anything is sent. A
machine made from the store goes on where the last one was, wherever that one ended: rounds are
drawn by number and seed, updates are kept until they are in a version, devices repeat what was lost.
"""

from __future__ import annotations

import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.fleet import messages as m
from tinylearn.fleet.assembly import Assembly
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Effects, Event, Fetched, Received, Requested, Tick
from tinylearn.fleet.guards import WINDOW, checked
from tinylearn.fleet.open_round import Assignment, OpenRound
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Device,
    KeptUpdate,
    Log,
    PutDevice,
    PutRound,
    PutState,
    Round,
    Saved,
    Version,
)
from tinylearn.fleet.requests import Requests
from tinylearn.fleet.rollouts import Rollouts
from tinylearn.fleet.roster import Roster
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.updates import Floats, decode

#: reports of so many closed rounds are remembered, to tell repetitions from late ones
_REMEMBERED = 1000
#: more bad messages of one device are counted and leave no trace in the store
_MOST_STRIKES = 100


class Coordinator:
    """One run. ``counters``: what happened how often, for metrics; ``handle`` is all there is."""

    def __init__(
        self, saved: Saved, strategy: Strategy, config: Config, make_blob: Callable[[bytes], bytes],
        now: float,
    ) -> None:  # fmt: skip
        self.run, self.strategy, self.config = saved.run, strategy, config
        self.head, self.weights = saved.head, _floats(saved.head)
        self.last_round, self.paused = saved.last_round, saved.states.get("paused") == "1"
        self.counters: Counter[str] = Counter()
        self.roster = Roster(saved.run, config, saved.devices)
        self.roster.needs = _needs(strategy)
        self.rollouts = Rollouts(saved.rollouts, make_blob, config)
        self.rounds: dict[int, OpenRound] = {}
        self._norms = deque(saved.norms, maxlen=WINDOW)
        self._reported = set(saved.reported)
        self._head_bytes, self._restoring = saved.head.weights or b"", 0
        for record in saved.open_rounds.values():
            self._resume(record, saved, now)

    def _resume(self, record: Round, saved: Saved, now: float) -> None:
        """A round as it was; everyone who has not reported is reminded at once."""
        base = saved.bases[record.base]
        wanted = min(self.strategy.clients(), len(record.selected))
        opened = self._opened(record, base.weights or b"", base.crc, wanted, now)
        self.rounds[record.number] = opened
        for assignment in opened.assignments.values():
            assignment.remind_at = now
        for kept in saved.updates:
            if kept.round == record.number:
                delta = decode(kept.encoding, kept.stream, opened.base)
                opened.updates[kept.device] = kept, delta

    # ---- events ----

    def handle(self, event: Event, now: float) -> Effects:
        """What an event leads to. ``now`` in seconds of a clock that never jumps."""
        effects = Effects()
        if isinstance(event, Received):
            self._receive(event, now, effects)
        elif isinstance(event, Requested):
            Requests(self).carry_out(event.command, now, effects)
        elif isinstance(event, Fetched):
            self._fetched(event, effects)
        self._go_on(now, effects, isinstance(event, Tick))
        return effects

    @property
    def is_done(self) -> bool:
        """All rounds are over."""
        return self.last_round >= self.config.rounds and not self.rounds

    def _receive(self, event: Received, now: float, effects: Effects) -> None:
        self.counters["messages"] += 1
        try:
            body = m.unpack(event.content, m.UP)
            self._dispatch(event.device, body, now, effects)
        except BadInputError as error:
            self.counters["malformed"] += 1
            self._strike(event.device, str(error), effects)

    def _dispatch(self, name: str, body: m.Body, now: float, effects: Effects) -> None:
        if isinstance(body, m.Announce):
            self._announced(name, body, now, effects)
        elif isinstance(body, m.Update):
            self._updated(name, body, now, effects)
        elif isinstance(body, m.Pull):
            self._pulled(name, body, now, effects)
        elif isinstance(body, m.Progress):
            self._progressed(name, body, now, effects)
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

    def _strike(self, name: str, why: str, effects: Effects, round_: int = 0) -> None:
        if self.roster.get(name).strikes >= _MOST_STRIKES:
            return
        self.put_device(self.roster.struck(name, self.last_round), effects)
        effects.changes.append(Log("bad message", round_, name, why))

    def _announced(self, name: str, said: m.Announce, now: float, effects: Effects) -> None:
        if said.model_hash != self.run.model_hash:
            self.counters["foreign"] += 1
        self.put_device(self.roster.announced(name, said, now, self.last_round), effects)
        for opened in self.rounds.values():
            assignment = opened.assignments.get(name)
            if assignment and name not in opened.updates and not assignment.failed:
                assignment.phase, assignment.remind_at = m.Phase.IDLE, now

    def _left(self, name: str, said: m.Gone, now: float, effects: Effects) -> None:
        device = self.roster.gone(name, said.births)
        self.put_device(device, effects)
        if device is not None:
            for opened in list(self.rounds.values()):
                self.give_up(opened, name, "left", now, effects)

    def _deployed(self, name: str, said: m.Deployed, effects: Effects) -> None:
        device = self.rollouts.installed(self.roster, self.roster.get(name), said, effects)
        self.put_device(device, effects)

    # ---- rounds: opening ----

    def _go_on(self, now: float, effects: Effects, ticking: bool) -> None:
        if ticking:
            for opened in list(self.rounds.values()):
                self._watch(opened, now, effects)
            self.rollouts.go_on(self.roster, self._busy(), now, effects)
        while self._may_open() and self._open(now, effects):
            pass

    def _may_open(self) -> bool:
        room = len(self.rounds) < self.config.concurrency
        return room and not self.paused and self.last_round < self.config.rounds

    def _busy(self) -> set[str]:
        return {name for opened in self.rounds.values() for name in opened.outstanding()}

    def _open(self, now: float, effects: Effects) -> bool:
        """Opens the next round, where enough devices are there for it."""
        wanted, number = self.strategy.clients(), self.last_round + 1
        selected = self.roster.draw(wanted, number, self._busy())
        if not selected or len(selected) < min(wanted, self.config.least_devices or wanted):
            return False
        record = Round(number, self.head.number, tuple(selected))
        opened = self._opened(record, self._head_bytes, self.head.crc, len(selected), now)
        self.rounds[number], self.last_round = opened, number
        effects.changes.append(PutRound(record))
        for name in selected:
            self._ask(opened, name, effects)
        return True

    def _opened(
        self, record: Round, base: bytes, crc: int, wanted: int, now: float
    ) -> OpenRound:  # fmt: skip
        work, floats = self.strategy.work(record.number), np.frombuffer(base, "<f4")
        opened = OpenRound(record, floats, base, crc, work, now + self.config.deadline, wanted)
        for name in record.selected:
            opened.assignments[name] = self._assignment(opened, now)
        return opened

    def _assignment(self, opened: OpenRound, now: float) -> Assignment:
        retry = self.config.retry
        return Assignment(Assembly(opened.base.size), now + retry, retry)

    def _ask(self, opened: OpenRound, name: str, effects: Effects) -> None:
        """Sends a device its task; with the weights, where its frames hold them and it has none."""
        starts = opened.assignments[name].phase == m.Phase.IDLE
        room = self.roster.get(name).frame_bytes - m.HEADER.size - m.Task.layout.size
        inline = starts and len(opened.base_bytes) <= min(room, 0xFFFF - m.Task.layout.size)
        effects.sends.append((name, self._task(opened, inline)))
        self.counters["tasks"] += 1

    def _task(self, opened: OpenRound, inline: bool) -> m.Task:
        work, base = opened.work, opened.base_bytes
        flags = m.TaskFlag.INLINE if inline else m.TaskFlag.NONE
        flags |= m.TaskFlag.SPARSE if work.share < 1 else m.TaskFlag.NONE
        return m.Task(
            self.run.id, opened.round.number, 0, flags, opened.round.base, 0, len(base),
            opened.base_crc, work.samples, work.passes, work.local_samples, work.rate, work.share,
            int(1000 * self.config.deadline), self.run.model_hash, base if inline else b"",
        )  # fmt: skip

    # ---- rounds: what devices say ----

    def _assigned(self, name: str, run: int, round_: int, now: float) -> OpenRound | None:
        """The open round of a message, if its device is asked in it; it has been heard."""
        opened = self.rounds.get(round_) if run == self.run.id else None
        if opened is None or name not in opened.assignments:
            return None
        opened.assignments[name].heard(now, self.config.retry)
        return opened

    def _pulled(self, name: str, asked: m.Pull, now: float, effects: Effects) -> None:
        if asked.run == 0:
            data = self.rollouts.bytes_of(asked.version)
        else:
            opened = self._assigned(name, asked.run, asked.round, now)
            data = opened.base_bytes if opened and opened.round.base == asked.version else None
            if opened:
                opened.assignments[name].phase = m.Phase.PULLING
        if data is None:
            effects.sends.append((name, m.Receipt(asked.run, asked.round, 0, m.Verdict.ENDED)))
            return
        room = min(asked.room, 0xFFFF - m.Chunk.layout.size)
        piece = data[asked.offset : asked.offset + room]
        effects.sends.append((name, m.Chunk(asked.version, asked.offset, piece)))

    def _progressed(self, name: str, said: m.Progress, now: float, effects: Effects) -> None:
        opened = self._assigned(name, said.run, said.round, now)
        if opened is None:
            return
        opened.assignments[name].phase = said.phase
        if said.phase == m.Phase.DONE:
            self.give_up(opened, name, "takes its task for done", now, effects)

    def _refused(self, name: str, said: m.Refusal, now: float, effects: Effects) -> None:
        self.counters[f"refusal {said.fault.name.lower()}"] += 1
        opened = self._assigned(name, said.run, said.round, now)
        if said.fault == m.Fault.DIVERGED:
            self.rollouts.failed(self.roster.get(name).deployed, name, effects)
        if opened is not None:
            self.give_up(opened, name, f"refuses: {said.fault.name.lower()}", now, effects)

    # ---- rounds: updates ----

    def _updated(self, name: str, piece: m.Update, now: float, effects: Effects) -> None:
        verdict = self._verdict(name, piece)
        if verdict is not None:
            self._receipt(name, piece, verdict, effects)
            return
        opened = self._assigned(name, piece.run, piece.round, now)
        assert opened is not None
        assignment = opened.assignments[name]
        assignment.phase = m.Phase.SENDING
        try:
            if assignment.assembly.add(piece):
                self._complete(opened, name, piece, effects)
            else:
                following = m.Next(piece.run, piece.round, assignment.assembly.next)
                effects.sends.append((name, following))
        except BadInputError as error:
            self._bad_update(opened, name, piece, str(error), now, effects)

    def _verdict(self, name: str, piece: m.Update) -> m.Verdict | None:
        """Why an update is not wanted; None where it is."""
        if piece.run != self.run.id:
            return m.Verdict.FOREIGN
        if (piece.round, name) in self._reported:
            self.counters["duplicate"] += 1
            return m.Verdict.ACCEPTED
        opened = self.rounds.get(piece.round)
        if opened is None:
            return m.Verdict.LATE if piece.round <= self.last_round else m.Verdict.FOREIGN
        if name not in opened.assignments:
            return m.Verdict.FOREIGN
        too_old = self.head.number - opened.round.base > self.config.most_staleness
        return m.Verdict.STALE if too_old else None

    def _receipt(self, name: str, piece: m.Update, verdict: m.Verdict, effects: Effects) -> None:
        self.counters[f"updates {verdict.name.lower()}"] += 1
        receipt = m.Receipt(piece.run, piece.round, piece.attempt, verdict)
        effects.sends.append((name, receipt))

    def _complete(
        self, opened: OpenRound, name: str, piece: m.Update, effects: Effects
    ) -> None:  # fmt: skip
        """All pieces are there: if they are good the update counts, from this commit on."""
        stream = bytes(opened.assignments[name].assembly.stream)
        limits = self._norms, self.config.norm_factor
        delta, norm = checked(piece.encoding, stream, piece.crc, opened.base, *limits)
        kept = KeptUpdate(opened.round.number, name, piece.attempt, piece.encoding, piece.samples,
                          piece.loss, norm, stream)  # fmt: skip
        opened.updates[name] = kept, delta
        opened.assignments[name].assembly = Assembly(opened.base.size)
        self._norms.append(norm)
        self._reported.add((opened.round.number, name))
        self._receipt(name, piece, m.Verdict.ACCEPTED, effects)
        closes = opened.is_answered()
        effects.changes.append(AddUpdate(replace(kept, stream=b"") if closes else kept))
        if closes:
            self._close(opened, effects)

    def _bad_update(
        self, opened: OpenRound, name: str, piece: m.Update, why: str, now: float, effects: Effects
    ) -> None:  # fmt: skip
        self._strike(name, why, effects, piece.round)
        self._receipt(name, piece, m.Verdict.REFUSED, effects)
        self.give_up(opened, name, why, now, effects)

    # ---- rounds: ending ----

    def give_up(
        self, opened: OpenRound, name: str, why: str, now: float, effects: Effects
    ) -> None:  # fmt: skip
        """A device will not report: another one takes its place, where there is one."""
        assignment = opened.assignments.get(name)
        if assignment is None or assignment.failed or name in opened.updates:
            return
        assignment.failed = True
        self.counters["given up"] += 1
        effects.changes.append(Log("given up", opened.round.number, name, why))
        busy = self._busy() | set(opened.assignments)
        for other in self.roster.draw(1, opened.round.number, busy):
            opened.replace_by(other, self._assignment(opened, now))
            effects.changes.append(PutRound(opened.round))
            self._ask(opened, other, effects)
        if opened.is_answered():
            self._close(opened, effects)

    def _watch(self, opened: OpenRound, now: float, effects: Effects) -> None:
        """Reminders and the deadline."""
        if now >= opened.deadline:
            self._close(opened, effects)
            return
        for name in list(opened.outstanding()):
            if opened.assignments[name].remind(now, self.config.most_retry):
                self.counters["reminders"] += 1
                self._ask(opened, name, effects)

    def _close(self, opened: OpenRound, effects: Effects) -> None:
        """Ends a round: a new version, or none where too few have reported."""
        number = opened.round.number
        del self.rounds[number]
        for name in opened.outstanding():
            effects.sends.append((name, m.Receipt(self.run.id, number, 0, m.Verdict.ENDED)))
        version = 0
        if opened.has_enough(self.config.least_share):
            version = self._aggregate(opened, effects)
        self.counters["rounds closed" if version else "rounds void"] += 1
        effects.changes.append(PutRound(opened.closed(version)))
        self._forget(number)

    def _forget(self, number: int) -> None:
        """Reports of rounds long closed; only now and then, as it goes through all."""
        if number % _REMEMBERED == 0:
            self._reported = {r for r in self._reported if r[0] > number - _REMEMBERED}

    def _aggregate(self, opened: OpenRound, effects: Effects) -> int:
        reports = opened.reports(self.head.number)
        weights = self.strategy.aggregate(self.weights, reports, opened.round.number)
        if not np.all(np.isfinite(weights)):
            effects.changes.append(Log("void", opened.round.number, "", "not finite"))
            return 0
        data = weights.astype("<f4").tobytes()
        version = Version(self.head.number + 1, self.head.number, opened.round.number,
                          zlib.crc32(data), len(reports), data)  # fmt: skip
        self._take_head(version, data)
        effects.changes.append(AddVersion(version))
        return version.number

    def _take_head(self, version: Version, data: bytes) -> None:
        self.head, self._head_bytes = version, data
        self.weights = np.frombuffer(data, "<f4")

    # ---- for requests ----

    def pause(self, paused: bool, effects: Effects) -> None:
        """Opens no further rounds, or goes on."""
        self.paused = paused
        effects.changes.append(PutState("paused", str(int(paused))))

    def restore(self, version: int, effects: Effects) -> None:
        """Goes on from the weights of an earlier version, once they are there."""
        self._restoring = version
        effects.wanted.append(version)

    def _fetched(self, event: Fetched, effects: Effects) -> None:
        self.rollouts.fetched(event.version, event.weights)
        if event.version == self._restoring:
            self._restoring = 0
            self._restore(event, effects)

    def _restore(self, event: Fetched, effects: Effects) -> None:
        if event.weights is None:
            gone = f"version {event.version} is no longer kept"
            effects.changes.append(Log("bad request", 0, "", gone))
            return
        back = Version(self.head.number + 1, self.head.number, 0, zlib.crc32(event.weights), 0,
                       event.weights, f"back to {event.version}")  # fmt: skip
        self._take_head(back, event.weights)
        effects.changes.append(AddVersion(back))


def _floats(version: Version) -> Floats:
    return np.frombuffer(version.weights or b"", "<f4")


def _needs(strategy: Strategy) -> m.Capability:
    """What a device must be able to do for a strategy's work."""
    work = strategy.work(1)
    memory = work.share < 1 or work.local_samples > 0
    return m.Capability.LEARN | (m.Capability.SPARSE if memory else m.Capability.NONE)
