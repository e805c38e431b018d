"""Staged rollouts: a version goes to a few devices first, then to more, and back where it fails."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from tinylearn.errors import UsageError
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Effects
from tinylearn.fleet.messages import Capability, Chunk, Deploy, Deployed, Pull, chunk
from tinylearn.fleet.records import Device, Log, PutRollout, Rollout, Saved
from tinylearn.fleet.roster import Roster
from tinylearn.fleet.selection import share_of

#: devices that are told of a version at one tick, so that a large fleet does not come all at once
_AT_ONCE = 200
#: a look at all devices costs milliseconds where there are thousands: the pause after one in which
#: nobody had to be told anything
_LOOK_SECONDS = 0.5
#: versions kept in memory; others are fetched again where a device needs them
_MOST_BLOBS = 8


@dataclass
class _Told:
    """A device that was told of a version, and when it is told again. ``pulled``: the offset that
    it was answered last; nothing is answered twice but after it was told again."""

    version: int
    again_at: float
    wait: float
    pulled: int = -1
    may_repeat: bool = True


class _Answers:
    """The devices of a rollout's record as sets, as it is looked through at each tick."""

    def __init__(self, record: Rollout) -> None:
        self.installed, self.failed = set(record.installed), set(record.failed)


class Rollouts:
    """All rollouts of a run, oldest first. ``make_blob`` makes what a device stores of a version's
    exchanged bytes."""

    def __init__(
        self, saved: Saved, make_blob: Callable[[bytes], bytes], config: Config
    ) -> None:  # fmt: skip
        self.records = {record.version: record for record in saved.rollouts}
        self._answers = {record.version: _Answers(record) for record in saved.rollouts}
        self._model_hash = saved.run.model_hash
        self._make_blob, self._config = make_blob, config
        self._blobs: OrderedDict[int, bytes] = OrderedDict()
        self._told: dict[str, _Told] = {}
        self._gone: set[int] = set()
        self._look_at = 0.0

    # ---- by hand ----

    def begin(self, version: int, stages: Sequence[float], most_errors: float,
              effects: Effects) -> None:  # fmt: skip
        """Begins a rollout; one that is running is aborted. Raises UsageError for odd stages."""
        rising = all(a < b for a, b in pairwise(stages))
        if not stages or not rising or stages[0] <= 0 or stages[-1] != 1:
            raise UsageError(f"stages {list(stages)}: rising shares of the devices, the last one 1")
        if not 0 <= most_errors <= 1:
            raise UsageError(f"most_errors is a share of the devices, not {most_errors}")
        for record in list(self.records.values()):
            if record.state in ("running", "paused"):
                self.put(replace(record, state="superseded"), effects)
        self.records.pop(version, None)
        turn = 1 + max((record.turn for record in self.records.values()), default=0)
        record = Rollout(
            version, self._last_good(), tuple(stages), most_errors=most_errors, turn=turn
        )
        self._answers[version] = _Answers(record)
        self.put(record, effects)

    def _last_good(self) -> int:
        """What to go back to: the version that was rolled out last, or the first of all."""
        return next((r.version for r in reversed(self.records.values()) if r.state == "done"), 1)

    def set_state(self, version: int, state: str, effects: Effects) -> None:
        """Pauses, resumes or aborts a rollout; raises UsageError where there is none, or where one that
        began later has the devices: it would go on for ever."""
        if version not in self.records:
            raise UsageError(f"version {version} is not being rolled out")
        newest = next(reversed(self.records))
        if state == "running" and version != newest:
            raise UsageError(f"version {newest} was rolled out after version {version}: "
                             f"begin a new rollout of version {version}")  # fmt: skip
        self.put(replace(self.records[version], state=state), effects)

    def put(self, record: Rollout, effects: Effects) -> None:
        """Replaces a record."""
        self.records[record.version], self._look_at = record, 0.0
        effects.changes.append(PutRollout(record))

    # ---- what devices should have ----

    def desired(self, device: Device) -> int:
        """The version that a device should have; 0: whatever it has."""
        if not self._may_have(device):
            return 0
        if device.pinned:
            return device.pinned
        for record in reversed(self.records.values()):
            has_it = device.name in self._answers[record.version].installed
            if record.state == "aborted" and has_it:
                return record.previous
            if record.state == "paused" and has_it:
                return record.version
            if record.state in ("running", "done") and self._is_target(record, device.name):
                return record.version
        return 0

    def _may_have(self, device: Device) -> bool:
        """Whether a device can store a version. One of another model could only fail with it."""
        can = device.capabilities & Capability.STORE and device.model_hash == self._model_hash
        return bool(can) and not device.paused and not device.evicted

    def _is_target(self, record: Rollout, name: str) -> bool:
        """Whether the present stage covers a device. One that failed is left alone."""
        covered = _place(name, record.version) < record.stages[record.stage]
        return covered and name not in self._answers[record.version].failed

    def go_on(self, roster: Roster, busy: set[str], now: float, effects: Effects) -> None:
        """Tells devices of the versions that they should have, those at a task left alone."""
        if now < self._look_at:
            return
        self._look_at, room = now + _LOOK_SECONDS, _AT_ONCE
        for device in roster.devices.values():
            version = self.desired(device)
            wants = version and version != device.deployed and device.online
            if wants and device.name not in busy and self._is_due(device.name, version, now):
                self._tell(device, version, now, effects)
                room -= 1
            if not room:
                break
        if room < _AT_ONCE:
            self._look_at = now
        self._advance_all(roster, effects)

    def _is_due(self, name: str, version: int, now: float) -> bool:
        told = self._told.get(name)
        return told is None or told.version != version or now >= told.again_at

    def _tell(self, device: Device, version: int, now: float, effects: Effects) -> None:
        blob = self._blob(version)
        if blob is None:
            if version not in effects.wanted and version not in self._gone:
                effects.wanted.append(version)
            return
        before = self._told.get(device.name)
        again = before is not None and before.version == version
        wait = min(2 * before.wait, self._config.most_retry) if before and again else (
            self._config.retry)  # fmt: skip
        self._told[device.name] = _Told(version, now + wait, wait)
        told = Deploy(version, len(blob), zlib.crc32(blob), device.model_hash)
        effects.sends.append((device.name, told))

    def _blob(self, version: int) -> bytes | None:
        if version in self._blobs:
            self._blobs.move_to_end(version)
        return self._blobs.get(version)

    def fetched(self, version: int, weights: bytes | None, effects: Effects) -> None:
        """The weights of a version that was wanted; None: no longer kept, so that no device gets
        it."""
        self._look_at = 0.0
        if weights is not None:
            self._blobs[version] = self._make_blob(weights)
            if len(self._blobs) > _MOST_BLOBS:
                self._blobs.popitem(last=False)
        elif version not in self._gone:
            self._gone.add(version)
            gone = f"version {version} is no longer kept: devices stay as they are"
            effects.changes.append(Log("rollout failed", 0, "", gone))
            record = self.records.get(version)
            if record is not None and record.state == "running":
                self.put(replace(record, state="aborted"), effects)

    def pulled(self, name: str, asked: Pull, now: float) -> Chunk | None:
        """The piece of a version that a device asks for, if it was told of it."""
        told, blob = self._told.get(name), self._blob(asked.version)
        if told is None or blob is None or told.version != asked.version:
            return None
        told.again_at = now + self._config.retry
        if asked.offset <= told.pulled and not told.may_repeat:
            return None
        told.pulled, told.may_repeat = asked.offset, False
        return chunk(blob, asked)

    # ---- what devices say ----

    def installed(self, roster: Roster, device: Device, said: Deployed,
                  effects: Effects) -> Device | None:  # fmt: skip
        """A device tells what it has stored, or why it could not."""
        wanted = self.desired(device)
        if said.fault and wanted in self.records:
            self.failed(wanted, device.name, effects)
        elif said.version in self.records:
            record, answers = self.records[said.version], self._answers[said.version]
            if device.name not in answers.installed:
                answers.installed.add(device.name)
                record = replace(record, installed=(*record.installed, device.name))
                self.put(record, effects)
        if not said.fault:
            self._told.pop(device.name, None)
        return roster.put(replace(device, deployed=said.version))

    def failed(self, version: int, name: str, effects: Effects) -> None:
        """A device does badly with a version."""
        record = self.records.get(version)
        if record is not None and name not in self._answers[version].failed:
            self._answers[version].failed.add(name)
            effects.changes.append(Log("rollout failed", 0, name, f"version {version}"))
            self.put(replace(record, failed=(*record.failed, name)), effects)

    def _advance_all(self, roster: Roster, effects: Effects) -> None:
        for record in list(self.records.values()):
            if record.state == "running":
                following = self._advanced(record, roster)
                if following != record:
                    said = f"version {record.version}: {following.state}, stage {following.stage}"
                    effects.changes.append(Log("rollout", 0, "", said))
                    self.put(following, effects)

    def _advanced(self, record: Rollout, roster: Roster) -> Rollout:
        """The rollout after what its devices have said: wider, done, aborted, or as it is."""
        answered = len(record.installed) + len(record.failed)
        if answered and len(record.failed) / answered > record.most_errors:
            return replace(record, state="aborted")
        waiting = (
            d for d in roster.devices.values()
            if d.online and d.deployed != record.version and not d.pinned and self._may_have(d)
            and self._is_target(record, d.name)
        )  # fmt: skip
        if next(waiting, None) is not None:
            return record
        if record.stage + 1 < len(record.stages):
            return replace(record, stage=record.stage + 1)
        return replace(record, state="done")


@lru_cache(maxsize=1 << 16)
def _place(name: str, version: int) -> float:
    """A device's place among all in a rollout, asked for at each tick."""
    return share_of(name, f"rollout {version}")
