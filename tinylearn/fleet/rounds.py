"""Rounds: who is asked, what comes back, what it makes of the weights."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinylearn.device.messages import HEADER
from tinylearn.errors import BadInputError
from tinylearn.fleet import messages as m
from tinylearn.fleet.assembly import Assembly
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Effects
from tinylearn.fleet.guards import WINDOW, checked, outliers
from tinylearn.fleet.head import Head
from tinylearn.fleet.open_round import Assignment, OpenRound
from tinylearn.fleet.records import AddUpdate, KeptUpdate, Log, PutDevice, PutRound, Round, Saved
from tinylearn.fleet.reported import Reported
from tinylearn.fleet.roster import Roster
from tinylearn.fleet.strategies.base import Strategy
from tinylearn.fleet.updates import decode

_MOST_PAYLOAD = 0xFFFF


def attempt_of(crc: int) -> int:
    """What tells a round's task from one of the same number that a killed coordinator had sent
    before it had committed the weights that it starts from."""
    return crc & 0xFFFF


class Rounds:
    """The rounds of one run. ``open``: those under way, by number; ``last_round``: the newest."""

    def __init__(
        self, saved: Saved, strategy: Strategy, config: Config, roster: Roster, head: Head,
        counters: Counter[str], now: float,
    ) -> None:  # fmt: skip
        self.run, self.strategy, self.config = saved.run, strategy, config
        self.roster, self.head, self.counters = roster, head, counters
        self.last_round = saved.last_round
        self.open: dict[int, OpenRound] = {}
        self._norms = deque(saved.norms, maxlen=WINDOW)
        self._reported = Reported(saved.reported)
        self._deserted_since: float | None = None
        for record in saved.open_rounds.values():
            self._resume(record, saved, now)

    def _resume(self, record: Round, saved: Saved, now: float) -> None:
        """A round as it was; everyone who has not reported is reminded at once, but for those who had left
        or were left out, and were given up."""
        base = saved.bases[record.base]
        wanted = min(self.strategy.clients(), len(record.selected))
        opened = self._opened(record, base.weights or b"", base.crc, wanted, now)
        self.open[record.number] = opened
        for name, assignment in opened.assignments.items():
            assignment.failed = self.roster.get(name).is_left_out
            assignment.remind_at = now
        for kept in saved.updates:
            if kept.round == record.number:
                delta = decode(kept.encoding, kept.stream, opened.base)
                opened.updates[kept.device] = kept, delta
                self._reported.add(kept.round, kept.device)

    def recall(self, before: Mapping[int, OpenRound]) -> None:
        """What a machine that this one takes the place of knew of rounds under way, and no store."""
        for number in self.open.keys() & before.keys():
            self.open[number].recall(before[number])

    # ---- opening ----

    def open_some(self, now: float, effects: Effects) -> None:
        """Opens rounds, as many as may be under way and enough devices are there for."""
        self._end_isolation(now, effects)
        while len(self.open) < self.config.concurrency and self.last_round < self.config.rounds:
            if not self._open(now, effects):
                break

    def _end_isolation(self, now: float, effects: Effects) -> None:
        """Isolation is counted in rounds: where all who may learn are isolated there would never be one
        again, so that each deadline that goes by counts as one."""
        number = self.last_round + 1
        if self.open or not self.roster.is_deserted(number):
            self._deserted_since = None
            return
        if self._deserted_since is None:
            self._deserted_since = now
        passed = int((now - self._deserted_since) / self.config.deadline)
        effects.changes += map(PutDevice, self.roster.readmitted(number, passed))

    def busy(self) -> set[str]:
        """Devices at a task."""
        return {name for opened in self.open.values() for name in opened.outstanding()}

    def _open(self, now: float, effects: Effects) -> bool:
        """Opens the next round, where enough devices are there for it."""
        wanted, number = self.strategy.clients(), self.last_round + 1
        least = min(wanted, self.config.least_devices or wanted)
        if len(self.roster.eligible()) < max(self.config.least_devices, least):
            return False
        selected = self._drawn(wanted, number)
        if len(selected) < least and len(selected) < max(1, self.roster.left_to_ask(number)):
            return False
        record = Round(number, self.head.version.number, tuple(selected))
        opened = self._opened(record, self.head.data, self.head.version.crc, len(selected), now)
        self.open[number], self.last_round = opened, number
        effects.changes.append(PutRound(record))
        for name in selected:
            self._ask(opened, name, effects)
        return True

    def _drawn(self, wanted: int, number: int) -> list[str]:
        """Whom a round asks. Those who rest as well, where too few others are left for a round to count:
        a few must not make versions alone because many are silent."""
        busy, rests = self.busy(), self.roster.rests
        selected = self.roster.draw(wanted, number, busy)
        most = min(wanted, len(self.roster.eligible()))
        if not rests or len(selected) == most:  # without counting all who are left
            return selected
        if self.roster.left_to_ask(number) >= self.config.least_share * most:
            return selected
        rests.end()
        return self.roster.draw(wanted, number, busy)

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
        room = self.roster.get(name).frame_bytes - HEADER.size - m.Task.layout.size
        inline = starts and len(opened.base_bytes) <= min(room, _MOST_PAYLOAD - m.Task.layout.size)
        effects.sends.append((name, self._task(opened, inline)))
        self.counters["tasks"] += 1

    def _task(self, opened: OpenRound, inline: bool) -> m.Task:
        work, base = opened.work, opened.base_bytes
        flags = m.TaskFlag.INLINE if inline else m.TaskFlag.NONE
        flags |= m.TaskFlag.SPARSE if work.share < 1 else m.TaskFlag.NONE
        return m.Task(
            self.run.id, opened.round.number, attempt_of(opened.base_crc), flags, opened.round.base, 0, len(base),
            opened.base_crc, work.samples, work.passes, work.local_samples, work.rate, work.share,
            int(1000 * self.config.deadline), self.run.model_hash, base if inline else b"",
        )  # fmt: skip

    # ---- what devices say ----

    def _assigned(self, name: str, run: int, round_: int, now: float) -> OpenRound | None:
        """The open round of a message, if its device is asked in it; it has been heard."""
        opened = self.open.get(round_) if run == self.run.id else None
        if opened is None or name not in opened.assignments:
            return None
        opened.assignments[name].heard(now, self.config.retry)
        return opened

    def pulled(self, name: str, asked: m.Pull, now: float, effects: Effects) -> None:
        """Sends the piece of a round's weights that a device asks for."""
        opened = self._assigned(name, asked.run, asked.round, now)
        if opened is None and asked.round > self.last_round:
            return
        if opened is None or opened.round.base != asked.version:
            effects.sends.append((name, m.Receipt(asked.run, asked.round, 0, m.Verdict.ENDED)))
            return
        opened.assignments[name].phase = m.Phase.PULLING
        if opened.assignments[name].answers_pull(asked.offset):
            effects.sends.append((name, m.chunk(opened.base_bytes, asked)))

    def progressed(self, name: str, said: m.Progress, now: float, effects: Effects) -> None:
        """A device tells where it is; what it needs next it is told by a reminder."""
        opened = self._assigned(name, said.run, said.round, now)
        if opened is None or said.attempt != attempt_of(opened.base_crc):
            self._free(name, said, now, effects)
            return
        opened.assignments[name].phase = said.phase
        if said.phase == m.Phase.DONE:
            self.give_up(opened, name, "takes its task for done", now, effects)

    def _free(self, name: str, said: m.Progress, now: float, effects: Effects) -> None:
        """A device is at a task that there is not: sent by a coordinator that was killed, or overtaken
        by another, before its commit. It takes no earlier one until it is told that this one is over."""
        if said.run != self.run.id or said.phase in (m.Phase.IDLE, m.Phase.DONE):
            return
        self.counters["tasks unknown"] += 1
        ended = m.Receipt(said.run, said.round, said.attempt, m.Verdict.ENDED)
        effects.sends.append((name, ended))
        self.restart(name, now)

    def refused(self, name: str, said: m.Refusal, now: float, effects: Effects) -> None:
        """A device cannot do its task."""
        opened = self._assigned(name, said.run, said.round, now)
        if opened is not None:
            self.give_up(opened, name, f"refuses: {said.fault.name.lower()}", now, effects)

    def updated(self, name: str, piece: m.Update, now: float, effects: Effects) -> None:
        """A piece of an update: the next one is asked for, or the receipt sent."""
        if piece.run == self.run.id and piece.round > self.last_round:
            self.counters["updates early"] += 1
            return
        verdict = self._verdict(name, piece)
        if verdict is not None:
            self._receipt(name, piece, verdict, effects)
            if verdict == m.Verdict.STALE:
                self.give_up(self.open[piece.round], name, "stale", now, effects)
            return
        opened = self._assigned(name, piece.run, piece.round, now)
        assert opened is not None
        assignment = opened.assignments[name]
        assignment.phase = m.Phase.SENDING
        before = assignment.assembly.next
        try:
            if assignment.assembly.add(piece):
                self._complete(opened, name, piece, effects)
            elif assignment.answers(assignment.assembly.next > before):
                following = m.Next(piece.run, piece.round, assignment.assembly.next)
                effects.sends.append((name, following))
        except BadInputError as error:
            self._bad_update(opened, name, piece, str(error), now, effects)

    def _verdict(self, name: str, piece: m.Update) -> m.Verdict | None:
        """Why an update is not wanted; None where it is."""
        if piece.run != self.run.id:
            return m.Verdict.FOREIGN
        if (piece.round, name) in self._reported:
            return m.Verdict.ACCEPTED
        opened = self.open.get(piece.round)
        if opened is None:
            return m.Verdict.LATE
        if name not in opened.assignments or self.roster.get(name).evicted:
            return m.Verdict.FOREIGN
        if piece.attempt != attempt_of(opened.base_crc):
            return m.Verdict.STALE
        too_old = self.head.version.number - opened.round.base > self.config.most_staleness
        return m.Verdict.STALE if too_old else None

    def _receipt(self, name: str, piece: m.Update, verdict: m.Verdict, effects: Effects) -> None:
        again = verdict is m.Verdict.ACCEPTED and (piece.round, name) in self._reported
        self.counters["duplicate" if again else f"updates {verdict.name.lower()}"] += 1
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
        self._receipt(name, piece, m.Verdict.ACCEPTED, effects)
        self._reported.add(opened.round.number, name)
        closes = opened.is_answered()
        effects.changes.append(AddUpdate(replace(kept, stream=b"") if closes else kept))
        if closes:
            self._close(opened, effects)

    def _bad_update(
        self, opened: OpenRound, name: str, piece: m.Update, why: str, now: float, effects: Effects
    ) -> None:  # fmt: skip
        self.roster.strike(name, why, piece.round, self.last_round, effects)
        self._receipt(name, piece, m.Verdict.REFUSED, effects)
        self.give_up(opened, name, why, now, effects)

    # ---- ending ----

    def give_up_all(self, name: str, why: str, now: float, effects: Effects) -> None:
        """A device will report in no open round."""
        for opened in list(self.open.values()):
            self.give_up(opened, name, why, now, effects)

    def restart(self, name: str, now: float) -> None:
        """A device has started anew: it knows nothing of its task, and is reminded at once."""
        for opened in self.open.values():
            if opened.waits_for(name):
                opened.assignments[name].restart(now)

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
        busy = self.busy() | set(opened.assignments)
        for other in self.roster.draw(1, opened.round.number, busy):
            opened.replace_by(other, self._assignment(opened, now))
            effects.changes.append(PutRound(opened.round))
            self._ask(opened, other, effects)
        if opened.is_answered():
            self._close(opened, effects)

    def watch(self, now: float, effects: Effects) -> None:
        """Reminders and deadlines."""
        for opened in list(self.open.values()):
            self._watch(opened, now, effects)

    def _watch(self, opened: OpenRound, now: float, effects: Effects) -> None:
        if now >= opened.deadline or opened.is_answered():
            self._close(opened, effects)
            return
        for name in list(opened.outstanding()):
            if opened.assignments[name].remind(now, self.config.most_retry):
                self.counters["reminders"] += 1
                self._ask(opened, name, effects)

    def _close(self, opened: OpenRound, effects: Effects) -> None:
        """Ends a round: a new version, or none where too few have reported."""
        number = opened.round.number
        del self.open[number]
        for name in opened.outstanding():
            attempt = attempt_of(opened.base_crc)
            ended = m.Receipt(self.run.id, number, attempt, m.Verdict.ENDED)
            effects.sends.append((name, ended))
            if opened.assignments[name].is_silent:
                self._rest(name, number, effects)
        self._set_outliers_aside(opened, effects)
        version = 0
        if opened.has_enough(self.config.least_share):
            version = self._aggregate(opened, effects)
        self.counters["rounds closed" if version else "rounds void"] += 1
        effects.changes.append(PutRound(opened.closed(version)))
        self._reported.forget(self.open)

    def _rest(self, name: str, number: int, effects: Effects) -> None:
        self.roster.rests.silent(name, number, self.last_round)
        self.counters["silent"] += 1
        effects.changes.append(Log("silent", number, name, "not heard in a whole round"))

    def _set_outliers_aside(self, opened: OpenRound, effects: Effects) -> None:
        """Updates that only the others of their round show to be far too large."""
        number = opened.round.number
        norms = {name: kept.norm for name, (kept, _) in opened.updates.items()}
        for name in outliers(norms, self.config.norm_factor):
            del opened.updates[name]
            self.counters["updates set aside"] += 1
            self.roster.strike(name, "far larger than the others", number, self.last_round, effects)

    def _aggregate(self, opened: OpenRound, effects: Effects) -> int:
        """The new version's number; 0 where it would not be finite."""
        number, reports = opened.round.number, opened.reports(self.head.version.number)
        weights = self.strategy.aggregate(self.head.weights, reports, number)
        if not np.all(np.isfinite(weights)):
            effects.changes.append(Log("void", number, "", "the aggregate is not finite"))
            return 0
        data = weights.astype("<f4", copy=False).tobytes()
        effects.changes.append(self.head.advance(data, number, len(reports)))
        return self.head.version.number
