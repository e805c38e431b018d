"""A store as simple as can be, to compare the real ones with: values in memory, rules as told."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tinylearn.fleet import records
from tinylearn.fleet.records import Change, Device, KeptUpdate, Log, Rollout, Round, Saved, Version
from tinylearn.fleet.store import DuplicateUpdateError, HeadMovedError


@dataclass
class ModelStore:
    """One run, one shard. ``newest`` and ``milestone``: the rule of retention."""

    run: records.Run
    versions: list[Version]
    newest: int
    milestone: int
    weights: dict[int, bytes] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    updates: list[KeptUpdate] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    rollouts: dict[int, Rollout] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    log: list[Log] = field(default_factory=list)

    def after(self, changes: Sequence[Change]) -> ModelStore:
        """The store with all changes. Raises what a store would."""
        new = copy.deepcopy(self)
        for change in changes:
            new._apply(change)
        for change in changes:
            new._check_base(change)
        named = new._named()
        new.weights = {number: kept for number, kept in new.weights.items() if number in named}
        return new

    def saved(self) -> Saved:
        """What ``load`` is to return."""
        open_rounds = {n: each for n, each in sorted(self.rounds.items()) if each.open}
        return Saved(
            run=self.run,
            head=self._full(self.versions[-1].number),
            devices=self.devices,
            open_rounds=open_rounds,
            bases={each.base: self._full(each.base) for each in open_rounds.values()},
            updates=[u for n in open_rounds for u in self.updates if u.round == n],
            norms=[update.norm for update in self.updates],
            reported={(update.round, update.device) for update in self.updates},
            last_round=max(self.rounds, default=0),
            rollouts=sorted(self.rollouts.values(), key=lambda r: (r.turn, r.version)),
            states=self.states,
        )

    def _full(self, number: int) -> Version:
        found = next(version for version in self.versions if version.number == number)
        return replace(found, weights=self.weights[number])

    def _apply(self, change: Change) -> None:
        match change:
            case records.PutRound(round_):
                self.rounds[round_.number] = round_
            case records.AddUpdate(update):
                self._add_update(update)
            case records.AddVersion(version):
                self._add_version(version)
            case records.PutDevice(device):
                self.devices[device.name] = device
            case records.PutRollout(rollout):
                self.rollouts[rollout.version] = rollout
            case records.PutState(key, value):
                self.states[key] = value
            case Log():
                self.log.append(change)

    def _add_update(self, update: KeptUpdate) -> None:
        if any((u.round, u.device) == (update.round, update.device) for u in self.updates):
            raise DuplicateUpdateError("model")
        self.updates.append(update)

    def _add_version(self, version: Version) -> None:
        if version.parent != self.versions[-1].number:
            raise HeadMovedError("model")
        assert version.weights is not None
        self.versions.append(replace(version, weights=None))
        self.weights[version.number] = version.weights
        self.updates = [
            replace(u, stream=b"") if u.round == version.round else u for u in self.updates
        ]

    def _check_base(self, change: Change) -> None:
        opened = isinstance(change, records.PutRound) and change.round.open
        if opened and change.round.base not in self.weights:
            raise HeadMovedError("model")

    def _named(self) -> set[int]:
        numbers = [version.number for version in self.versions]
        named = set(numbers[-self.newest :])
        named |= {number for number in numbers if number == 1 or number % self.milestone == 0}
        named |= {each.base for each in self.rounds.values() if each.open}
        for device in self.devices.values():
            named |= {device.deployed, device.pinned}
        for rollout in self.rollouts.values():
            named |= {rollout.version, rollout.previous}
        return named
