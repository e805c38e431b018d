"""The devices: who is there, who may be asked, who misbehaves."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import replace

from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Effects
from tinylearn.fleet.messages import Announce, Capability
from tinylearn.fleet.records import Device, Log, PutDevice, Run
from tinylearn.fleet.rests import Rests
from tinylearn.fleet.selection import draw

#: more bad messages of one device leave no trace in the store
_MOST_STRIKES = 100


class Roster:
    """All devices by name. Methods that change one return its new record, or None for no change."""

    def __init__(
        self, run: Run, config: Config, devices: dict[str, Device], needs: Capability
    ) -> None:
        self._run, self._config, self._needs = run, config, needs
        self.devices = dict(devices)
        self.rests = Rests()
        self._births: defaultdict[str, deque[float]] = defaultdict(deque)
        self.choose(None)

    def choose(self, names: frozenset[str] | None) -> None:
        """Only these may learn, if they can; None: all that can."""
        self._chosen = names
        self._eligible = sorted(name for name in self.devices if self.may_learn(name))

    def get(self, name: str) -> Device:
        """A device; one never heard of is empty."""
        return self.devices.get(name) or Device(name)

    def put(self, device: Device) -> Device | None:
        """Replaces a record."""
        if self.devices.get(device.name) == device:
            return None
        self.devices[device.name] = device
        self._sort_in(device.name)
        return device

    def _sort_in(self, name: str) -> None:
        """Among the eligible, or out of them."""
        at = bisect_left(self._eligible, name)
        is_there = self._eligible[at : at + 1] == [name]
        if is_there and not self.may_learn(name):
            del self._eligible[at]
        elif not is_there and self.may_learn(name):
            self._eligible.insert(at, name)

    def announced(self, name: str, said: Announce, now: float, round_: int) -> Device | None:
        """A device tells what it is. One that starts again and again is left out for a while."""
        known = self.get(name)
        device = replace(
            known, model_hash=said.model_hash, capabilities=said.capabilities,
            frame_bytes=said.frame_bytes, free_ram=said.free_ram, weights_bytes=said.weights_bytes,
            births=said.births, deployed=said.deployed, online=True,
        )  # fmt: skip
        if said.births != known.births and known.births and self._flaps(name, now):
            device = self._isolated(device, round_)
        return self.put(device)

    def _flaps(self, name: str, now: float) -> bool:
        births = self._births[name]
        births.append(now)
        while now - births[0] > self._config.birth_window:
            births.popleft()
        if len(births) <= self._config.most_births:
            return False
        births.clear()
        return True

    def gone(self, name: str, births: int) -> Device | None:
        """A will: it counts unless the device has started again since."""
        known = self.get(name)
        return self.put(replace(known, online=False)) if births >= known.births else None

    def strike(self, name: str, why: str, round_: int, newest: int, effects: Effects) -> None:
        """A bad message of a round; after some of them the device is left out for a while, which begins
        with the ``newest`` round: many may be open at once, and that of a slow liar long past."""
        device = self.get(name)
        if device.strikes >= max(_MOST_STRIKES, self._config.most_strikes):
            return
        device = replace(device, strikes=device.strikes + 1)
        if device.strikes % self._config.most_strikes == 0:
            device = self._isolated(device, newest)
        effects.changes += [PutDevice(device), Log("bad message", round_, name, why)]
        self.put(device)

    def _isolated(self, device: Device, round_: int) -> Device:
        times = max(0, device.strikes // self._config.most_strikes - 1)
        rounds = self._config.isolation_rounds * 2 ** min(times, 10)
        return replace(device, isolated_until=round_ + rounds)

    def may_learn(self, name: str) -> bool:
        """Whether a device is there and can do this run's tasks."""
        device, config = self.get(name), self._config
        can = (device.capabilities & self._needs) == self._needs
        same = device.model_hash == self._run.model_hash
        fits = device.free_ram >= config.least_ram and set(config.tags) <= set(device.tags)
        chosen = self._chosen is None or name in self._chosen
        return can and same and fits and chosen and not device.is_left_out

    def eligible(self) -> list[str]:
        """Those who may learn, sorted."""
        return self._eligible

    def _may_be_asked(self, name: str, round_: int) -> bool:
        """Whether one of the eligible is neither isolated nor resting."""
        isolated = self.get(name).isolated_until > round_
        return not isolated and not self.rests.is_resting(name, round_)

    def left_to_ask(self, round_: int) -> int:
        """How many of the eligible a round may ask. No round waits for the others: their isolation and
        rest end with rounds."""
        return sum(self._may_be_asked(name, round_) for name in self._eligible)

    def is_deserted(self, round_: int) -> bool:
        """Whether some may learn, but none may be asked."""
        return bool(self._eligible) and not any(
            self._may_be_asked(name, round_) for name in self._eligible
        )

    def readmitted(self, round_: int, passed: int) -> list[Device]:
        """Those of the eligible whose isolation ends ``passed`` rounds earlier than it would."""
        over = [d for d in map(self.get, self._eligible)
                if round_ < d.isolated_until <= round_ + passed]  # fmt: skip
        return list(filter(None, (self.put(replace(d, isolated_until=round_)) for d in over)))

    def draw(self, count: int, round_: int, busy: set[str]) -> list[str]:
        """Up to ``count`` devices for a round, none of the ``busy``, isolated or resting ones."""
        return draw(self._eligible, count, self._run.seed, round_,
                    lambda name: name not in busy and self._may_be_asked(name, round_))  # fmt: skip
