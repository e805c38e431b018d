"""A run as an operator has it in hand: looks into its store, and leaves requests there."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tinylearn.errors import DeviceError, UsageError
from tinylearn.fleet.begin import chosen_run, shards_of
from tinylearn.fleet.records import Device, Log, Rollout, Run
from tinylearn.fleet.shards import shard_of
from tinylearn.fleet.store import Store

_POLL_SECONDS = 0.1


class RunHandle:
    """The run of that number in a store, or the newest. ``where`` names the store."""

    def __init__(
        self, store: Store, where: str, number: int | None = None,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Raises UsageError where there is no such run."""
        self.store, self.where = store, where
        self.run: Run = chosen_run(store.runs(), where, number)
        self._clock, self._sleep = clock, sleep

    # ---- look ----

    def device(self, name: str) -> Device:
        """A device. Raises UsageError where it has never been heard of."""
        devices = self.store.devices(self.run.id)
        if name not in devices:
            raise UsageError(
                f"device {name[:80]!r}: run {self.run.id} does not know it; tinylearn fleet devices "
                "lists those it knows"
            )
        return devices[name]

    def rollout(self, version: int | None = None) -> Rollout:
        """The rollout of a version, or the last one that goes on. Raises UsageError."""
        rollouts = self.store.load(self.run.id, own=False).rollouts
        going = [
            rollout for rollout in rollouts
            if (rollout.state in ("running", "paused") if version is None
                else rollout.version == version)
        ]  # fmt: skip
        if not going:
            what = "nothing is" if version is None else f"version {version} is not"
            raise UsageError(f"run {self.run.id}: {what} being rolled out")
        return going[-1]

    def weights(self, version: int) -> bytes:
        """Exchanged bytes of a version. Raises UsageError where they are not kept."""
        return self.store.weights(self.run.id, version)

    def history(self, most: int) -> list[tuple[int, float, Log]]:
        """The last entries of the log, oldest first: (number, Unix time, entry)."""
        last = self.last_entry()
        span = most
        while True:
            found = list(self.store.history(self.run.id, max(0, last - span)))
            if len(found) >= most or span >= last:
                return found[-most:]
            span *= 4

    def follow(self, after: int) -> Iterator[tuple[int, float, Log]]:
        """Entries with higher numbers, for ever."""
        while True:
            for number, at, entry in self.store.history(self.run.id, after):
                after = number
                yield number, at, entry
            self._sleep(_POLL_SECONDS)

    def last_entry(self) -> int:
        """The number of the log's last entry, 0 without any; looks at few of them."""
        low, high = 0, 1
        while self._has_after(high):
            low, high = high, 2 * high
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._has_after(middle) else (low, middle)
        return low

    def _has_after(self, number: int) -> bool:
        return next(self.store.history(self.run.id, number), None) is not None

    # ---- ask ----

    def ask(self, command: Mapping[str, Any], patience: float) -> bool:
        """Leaves a command and waits up to ``patience`` s for its coordinator; False where that is 0
        and so nobody waits. Raises UsageError where the coordinator refuses it, DeviceError where
        none takes it: it is then left waiting."""
        after = self.last_entry()
        tokens = {self._leave(command, shard) for shard in self._shards(command)}
        if not patience:
            return False
        deadline = self._clock() + patience
        while self._clock() < deadline:
            for number, _, entry in list(self.store.history(self.run.id, after)):
                after, tokens = number, tokens - _answered(entry, tokens, command)
            if not tokens:
                return True
            self._sleep(_POLL_SECONDS)
        raise DeviceError(
            f"{self.where}: no coordinator has taken it within {patience:g} s; the request waits, "
            f"and is carried out when one serves run {self.run.id}"
        )

    def _shards(self, command: Mapping[str, Any]) -> Iterable[int]:
        """Whom a command is for: the coordinator of its device; one for new weights; else all."""
        count = shards_of(self.store.load(self.run.id, own=False).states)
        if "device" in command:
            return [shard_of(command["device"], count)]
        return range(1 if command["do"] == "restore" else count)

    def _leave(self, command: Mapping[str, Any], shard: int) -> str:
        """The token by which the answer is known."""
        token = secrets.token_hex(8)
        text = json.dumps({**command, "shard": shard, "token": token})
        self.store.request(self.run.id, text)
        return token


def _answered(entry: Log, tokens: set[str], command: Mapping[str, Any]) -> set[str]:
    """Those of the tokens that an entry of the log is about."""
    found = {token for token in tokens if token in entry.detail}
    if found and entry.what == "bad request":
        reason = entry.detail.rpartition("}: ")[2]
        raise UsageError(f"{command['do']}: the coordinator refuses it: {reason}")
    return found
