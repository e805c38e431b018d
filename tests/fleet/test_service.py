"""The shell: what is committed is sent, what is not committed never happened."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from support.fleet_world import COUNT, HASH, Loopback, PythonDevice
from support.waiting import until

from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Chosen
from tinylearn.fleet.messages import Capability
from tinylearn.fleet.records import Device, PutDevice, Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.store import DuplicateUpdateError, HeadMovedError, StoreError, open_store
from tinylearn.fleet.strategies import find

RUN = Run(1, "tiny_reptile", {}, 3, "net", HASH, 4 * COUNT, 4 * COUNT)


def service(store, devices: int = 4, rounds: int = 20, frame: int = 4096,
            shard: Shard | None = None) -> Service:  # fmt: skip
    fleet = {f"d{i}": PythonDevice(f"d{i}", frame) for i in range(devices)}
    strategy = find(RUN.strategy, {})
    shard = shard or Shard()
    return Service(store, Loopback(fleet), RUN, strategy, Config(rounds=rounds, retry=0.05), bytes,
                   shard.has, shard)  # fmt: skip


def created(place: str):
    store = open_store(place)
    store.create(RUN, np.zeros(COUNT, "<f4").tobytes())
    return store


def final(store) -> bytes:
    return store.head(RUN.id).weights


def test_a_run_ends_in_the_store(tmp_path: Path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    served = service(store)
    served.serve(until_done=True)
    assert store.head(RUN.id).number == 21
    assert [v.reports for v in store.lineage(RUN.id)][1:] == [1] * 20
    assert len(served.transport.acknowledged) >= 20


@pytest.mark.parametrize("known", [False, True])
def test_no_round_is_opened_before_the_first_choice(known: bool, tmp_path: Path) -> None:
    """Whatever has arrived meanwhile, and whoever the store knows to be there."""
    store = created(str(tmp_path / "fleet.db"))
    if known:
        store.commit(RUN.id, [PutDevice(a_device(f"d{i}")) for i in range(4)])
    served = service(store, rounds=3)
    choices = [Chosen(frozenset({"d2"}))]
    served.chosen = lambda: choices.pop() if choices else None
    served.serve(until_done=True)
    assert {name for name, _ in _reported(store)} == {"d2"}


def a_device(name: str) -> Device:
    return Device(name, HASH, Capability.LEARN | Capability.SPARSE, 4096, 9000, 4 * COUNT, 1)


def _reported(store) -> list[tuple[str, int]]:
    rows = store._database.rows("SELECT device, round FROM updates")
    return [(name, round_) for name, round_ in rows]


class Failing:
    """A store whose commits fail now and then, before or after they have taken place."""

    def __init__(self, store, error: type[Exception], after: bool) -> None:
        self._store, self._error, self._after = store, error, after
        self._commits = 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def commit(self, run, changes, shard=0) -> None:
        self._commits += 1
        fails = self._commits % 3 == 0
        if fails and not self._after:
            raise self._error("the disk is full")
        self._store.commit(run, changes, shard)
        if fails:
            raise self._error("the answer was lost")


@pytest.mark.parametrize("error", [StoreError, HeadMovedError, DuplicateUpdateError])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("frame", [128, 4096])
def test_failed_commits_change_nothing_in_the_end(error, after, frame: int, tmp_path: Path) -> None:
    whole, broken = created(str(tmp_path / "a.db")), created(str(tmp_path / "b.db"))
    service(whole).serve(until_done=True)
    service(Failing(broken, error, after), frame=frame).serve(until_done=True)
    assert final(whole) == final(broken)


def test_another_process_goes_on(tmp_path: Path) -> None:
    """Half of the rounds, then another service on the same file."""
    whole, halves = created(str(tmp_path / "a.db")), created(str(tmp_path / "b.db"))
    service(whole).serve(until_done=True)
    service(halves, rounds=9).serve(until_done=True)
    halves.close()
    service(again := open_store(str(tmp_path / "b.db"))).serve(until_done=True)
    assert final(whole) == final(again)


def test_requests_reach_the_coordinator(tmp_path: Path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    store.request(RUN.id, '{"do": "pause"}')
    store.request(RUN.id, "rubbish")
    store.request(RUN.id, "[" * 100_000)
    served = service(store, rounds=10**6)
    served.start()
    for _ in range(5):
        served.step()
    assert served.machine.paused


def test_a_request_outlives_a_commit_that_fails(tmp_path: Path) -> None:
    """Another coordinator has moved the head between taking it and committing it."""
    store = Failing(created(str(tmp_path / "fleet.db")), HeadMovedError, after=False)
    store.request(RUN.id, '{"do": "pause"}')
    store._commits = 2
    served = service(store, rounds=10**6)
    served.step()
    assert served._outdated
    until(lambda: served.step() or store.load(RUN.id).states.get("paused") == "1")


class KilledError(Exception):
    """In place of SIGKILL."""


class Mortal:
    """A store whose coordinator is killed at its ``at``-th call, before it or after it."""

    def __init__(self, store, at: int, after: bool) -> None:
        self._store, self.at, self._after, self.calls = store, at, after, 0

    def __getattr__(self, name: str):
        def call(*values, **named):
            self.calls += 1
            if self.calls == self.at and not self._after:
                raise KilledError
            result = getattr(self._store, name)(*values, **named)
            if self.calls == self.at:
                raise KilledError
            return result

        return call


COMMANDS = ['{"do": "pause"}', '{"do": "restore", "version": 1}', '{"do": "evict", "device": "?"}']


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(2, 10))
def test_requests_are_carried_out_once_whenever_their_coordinator_is_killed(
    at: int, after: bool, tmp_path: Path
) -> None:
    store = created(str(tmp_path / "fleet.db"))
    service(store, rounds=3).serve(until_done=True)
    for text in COMMANDS:
        store.request(RUN.id, text)
    with contextlib.suppress(KilledError):
        killed = service(Mortal(store, at, after), rounds=3)
        for _ in range(8):
            killed.step()
    again = service(store, rounds=3)
    until(lambda: again.step() or not store.requests(RUN.id))
    told = [entry for _, _, entry in store.history(RUN.id)]
    assert [entry.what for entry in told].count("request") == 2
    assert [entry.what for entry in told].count("bad request") == 1
    assert [v.note for v in store.lineage(RUN.id)].count("back to 1") == 1
    assert store.load(RUN.id).states["paused"] == "1"


@pytest.mark.parametrize("text", [
    '{"do": "pin", "device": "d0", "version": 1e300}', '{"do": "restore", "version": Infinity}',
    '{"do": "rollout", "version": 99999999999999999999999, "stages": [1]}', '{"do": "pause"',
    '{"do": "rollout", "version": 1, "stages": [NaN, 1]}', '{"do": "restore", "version": 7}',
    '{"do": "rollout", "version": 1, "stages": [1], "most_errors": NaN}', '{"do": ["pause"]}',
    '{"do": "evict", "device": ["d0"]}', '{"do": "tag", "device": "d0", "tags": 3}', "[]",
    '{"do": "evict", "device": "\\u0000\\ud800"}', '{"do": "\\ud800"}',
])  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_and_done_with(text: str, place: str) -> None:
    """Otherwise a store that cannot keep what it leads to would be tried for ever."""
    store = created(place)
    store.request(RUN.id, text)
    served = service(store, rounds=2)
    served.serve(until_done=True)
    served.settle([])
    assert store.requests(RUN.id) == []
    assert [e.what for _, _, e in store.history(RUN.id)].count("bad request") == 1
    store.close()


def test_coordinators_that_share_a_run_all_get_on(place: str) -> None:
    """The head moves under each of them all the time; devices send in pieces."""
    created(place).close()
    parts = []
    for number in range(2):
        part = service(open_store(place), devices=6, rounds=15, frame=128, shard=Shard(number, 2))
        part.start()
        parts.append(part)
    until(lambda: [p.step() for p in parts if not p.is_done] == [])
    assert not any(part.counters["rounds void"] for part in parts)
    assert parts[0].store.head(RUN.id).number == 31
    assert sum(v.reports for v in parts[0].store.lineage(RUN.id)) == 30
    for part in parts:
        part.store.close()


class Mute(PythonDevice):
    """Announces itself and hears nothing."""

    def take(self, content: bytes) -> None:
        return None


def test_a_round_ends_beside_a_coordinator_that_is_faster(tmp_path: Path) -> None:
    """Its deadline finds the head moved each time: a machine that was made anew gave the round another
    deadline, and counted what had not been kept."""
    place, now, parts = str(tmp_path / "fleet.db"), [0.0], []
    run = Run(1, "reptile", {"devices": 2}, 3, "net", HASH, 4 * COUNT, 4 * COUNT)
    open_store(place).create(run, np.zeros(COUNT, "<f4").tobytes())
    for number, rounds in ((0, 4), (1, 10**6)):
        shard = Shard(number, 2)
        one, other = [name for name in map("d{}".format, range(40)) if shard.has(name)][:2]
        kind = PythonDevice if number else Mute
        fleet = {one: PythonDevice(one, 4096), other: kind(other, 4096)}
        part = Service(open_store(place), Loopback(fleet), run, find("reptile", run.parameters),
                       Config(rounds=rounds), bytes, shard.has, shard, clock=lambda: now[0])  # fmt: skip
        part.transport.wait = lambda _: None
        part.start()
        parts.append(part)
    slow, fast = parts
    for _ in range(600):
        now[0] += 0.5
        fast.step()
        slow.step()
    assert slow.is_done and slow.counters["head moved"] > 0
    assert slow.counters["rounds closed"] == slow.counters["updates accepted"] == 4
    assert slow.counters["silent"] == 2
    for part in parts:
        part.store.close()


def test_devices_of_other_shards_are_left_alone(tmp_path: Path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    served = service(store)
    served.is_mine = lambda name: name in ("d1", "d2")
    served.serve(until_done=True)
    assert {name for name, d in store.devices(RUN.id).items() if d.online} == {"d1", "d2"}


def test_devices_that_another_shard_has_stored_are_not_asked(tmp_path: Path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    service(store).serve(until_done=True)
    again = service(store, rounds=10**6)
    again.is_mine = lambda name: name == "d1"
    again.machine = again._made()
    assert list(again.machine.roster.devices) == ["d1"]


def test_requests_reach_the_shard_that_they_are_for(tmp_path: Path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    for shard, what in ((1, "pause"), (0, "resume")):
        store.request(RUN.id, f'{{"do": "{what}", "shard": {shard}}}')
    first, second = service(store, rounds=10**6), service(store, rounds=10**6)
    first.shard, second.shard = Shard(0, 2), Shard(1, 2)
    assert [event.command["do"] for event in first._requests()] == ["resume"]
    assert [event.command["do"] for event in second._requests()] == ["pause"]


@pytest.mark.parametrize("shard", ["7", '"x"', "null", "-1"])
def test_requests_for_shards_that_there_are_not_are_not_kept_going_round(shard, tmp_path) -> None:
    store = created(str(tmp_path / "fleet.db"))
    store.request(RUN.id, f'{{"do": "pause", "shard": {shard}}}')
    assert len(service(store)._requests()) == 1
