"""The coordinator's state machine: rounds end, each update counts once, whatever gets lost."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fleet_world import COUNT, World

from tinylearn.device.messages import Message
from tinylearn.fleet import messages as m
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Fetched, Received, Requested, Tick
from tinylearn.fleet.records import Log, PutDevice
from tinylearn.fleet.rounds import attempt_of


def unbroken(**options) -> bytes:
    return World(**options).run()


def test_rounds_average_what_devices_send() -> None:
    world = World(devices=3, config=Config(rounds=1), parameters={"devices": 3})
    final = np.frombuffer(world.run(), "<f4")
    mean = np.mean([d.moves(1) for d in world.devices.values()], axis=0)
    np.testing.assert_allclose(final, mean, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.4]),
    repeat=st.sampled_from([0.0, 0.2, 0.4]),
    reorder=st.booleans(),
    crash=st.sampled_from([0.0, 0.005, 0.03]),
    frame=st.sampled_from([96, 256, 4096]),
    strategy=st.sampled_from(["fed_avg", "tiny_reptile"]),
)
def test_final_weights_are_those_of_the_unbroken_run(
    seed: int, loss: float, repeat: float, reorder: bool, crash: float, frame: int, strategy: str
) -> None:
    """Every update is in the result exactly once: byte for byte, under loss, repetition,
    reordering and kills of the coordinator at any instant."""
    config = Config(rounds=6, deadline=1e6, most_births=10**6)
    asked = {"devices": 3} if strategy == "fed_avg" else {}
    same = {"devices": 4, "strategy": strategy, "config": config, "frame_bytes": frame,
            "parameters": asked}  # fmt: skip
    world = World(**same, loss=loss, repeat=repeat, reorder=reorder, crash=crash, seed=seed)
    assert world.run() == unbroken(**same)
    assert len(world.store.aggregated) == len(set(world.store.aggregated))


# ---- rounds end ----


def announced(world: World, now: float = 0.0) -> None:
    for device in world.devices.values():
        world.machine.handle(Received(device.name, "state", device.announce()), now)


def updates(world: World, name: str, round_: int, stream: bytes | None = None, **changed) -> bytes:
    """A device's whole update, with some fields changed."""
    device = world.devices[name]
    stream = device.moves(round_).tobytes() if stream is None else stream
    opened = world.machine.rounds.open.get(round_)
    attempt = attempt_of(opened.base_crc) if opened else 0
    piece = m.Update(7, round_, attempt, m.Encoding.WEIGHTS, 0, len(stream), zlib.crc32(stream), 1, 0.5,
                     stream)  # fmt: skip
    return replace(piece, **changed).pack()


def verdicts(effects) -> list[m.Verdict]:
    return [body.verdict for _, body in effects.sends if isinstance(body, m.Receipt)]


def asked(world: World, round_: int) -> tuple[str, ...]:
    return world.machine.rounds.open[round_].round.selected


def tell(world: World, name: str, content: bytes, now: float = 0.0):
    return world.machine.handle(Received(name, "up", content), now)


def test_deadline_ends_a_round_with_those_who_have_reported() -> None:
    config = Config(rounds=1, deadline=10, least_share=0.5)
    world = World(devices=4, config=config, parameters={"devices": 4})
    for name in asked(world, 1)[:2]:
        assert verdicts(tell(world, name, updates(world, name, 1))) == [m.Verdict.ACCEPTED]
    world.machine.handle(Tick(), 9.9)
    assert not world.machine.is_done
    effects = world.machine.handle(Tick(), 10.0)
    assert verdicts(effects) == [m.Verdict.ENDED] * 2
    assert world.machine.head.version.reports == 2 and world.machine.is_done


def test_deadline_with_too_few_reports_leaves_the_weights() -> None:
    config = Config(rounds=2, deadline=10, least_share=0.75)
    world = World(devices=4, config=config, parameters={"devices": 4})
    tell(world, "d0", updates(world, "d0", 1))
    world.machine.handle(Tick(), 10.0)
    assert world.machine.head.version.number == 1
    assert world.machine.counters["rounds void"] == 1
    assert list(world.machine.rounds.open) == [2]


def test_rounds_end_when_a_third_of_the_devices_leaves() -> None:
    config = Config(rounds=5, deadline=30)
    world = World(devices=20, config=config, parameters={"devices": 6})
    for i in range(6):
        device = world.devices.pop(f"d{i}")
        tell(world, f"d{i}", m.Gone(device.births).pack(), 0.0)
    world.run()
    versions = world.store.versions
    assert len(versions) == 6
    assert all(v.reports == 6 for v in versions.values() if v.round > 1)


def test_silent_devices_are_reminded_with_growing_pauses() -> None:
    world = World(devices=1, config=Config(rounds=1, deadline=1000, retry=1, most_retry=8),
                  parameters={"devices": 1})  # fmt: skip
    world.wire.clear()
    ticks = ((t, world.machine.handle(Tick(), t / 10).sends) for t in range(400))
    times = [t / 10 for t, sends in ticks if any(isinstance(body, m.Task) for _, body in sends)]
    assert times == [1.0, 3.0, 7.0, 15.0, 23.0, 31.0, 39.0]


def test_an_old_will_does_not_end_a_newer_birth() -> None:
    world = World(devices=1, config=Config(rounds=1), parameters={"devices": 1})
    device = world.devices["d0"]
    tell(world, "d0", m.Gone(device.births - 1).pack())
    assert world.machine.roster.get("d0").online
    tell(world, "d0", m.Gone(device.births).pack())
    assert not world.machine.roster.get("d0").online


# ---- what is dropped, and counted ----


def test_late_duplicate_and_foreign_updates_are_told_apart() -> None:
    world = World(devices=3, config=Config(rounds=2, least_share=0.1), parameters={"devices": 2})
    first, second = asked(world, 1)
    (third,) = set(world.devices) - {first, second}
    assert verdicts(tell(world, third, updates(world, third, 1))) == [m.Verdict.FOREIGN]
    assert verdicts(tell(world, first, updates(world, first, 1))) == [m.Verdict.ACCEPTED]
    assert verdicts(tell(world, first, updates(world, first, 1))) == [m.Verdict.ACCEPTED]
    assert world.machine.counters["duplicate"] == world.machine.counters["updates accepted"] == 1
    world.machine.handle(Tick(), 1e5)
    assert verdicts(tell(world, second, updates(world, second, 1))) == [m.Verdict.LATE]
    assert verdicts(tell(world, first, updates(world, first, 99))) == []
    assert world.machine.counters["updates early"] == 1
    assert verdicts(tell(world, first, updates(world, first, 1, run=8))) == [m.Verdict.FOREIGN]


def test_stale_updates_of_asynchronous_rounds_are_dropped() -> None:
    config = Config(rounds=50, concurrency=2, most_staleness=3)
    world = World(devices=2, strategy="tiny_reptile", config=config)
    (slow,), (fast,) = asked(world, 1), asked(world, 2)
    for _ in range(4):
        number = max(world.machine.rounds.open)
        assert verdicts(tell(world, fast, updates(world, fast, number))) == [m.Verdict.ACCEPTED]
    effects = tell(world, slow, updates(world, slow, 1))
    assert verdicts(effects)[0] == m.Verdict.STALE
    assert 1 not in world.machine.rounds.open, "nobody is waited for"
    told = [(e.what, e.detail) for e in effects.changes if isinstance(e, Log)]
    assert ("given up", "stale") in told


def test_an_update_of_other_weights_than_the_rounds_is_stale() -> None:
    """As after a kill between a task and the commit of what it starts from."""
    world = World(devices=2, config=Config(rounds=2), parameters={"devices": 2})
    other = updates(world, "d0", 1, attempt=attempt_of(world.machine.head.version.crc) ^ 1)
    assert verdicts(tell(world, "d0", other)) == [m.Verdict.STALE]


LIES = {
    "NaN": np.full(COUNT, np.nan, "<f4").tobytes(),
    "infinite": np.full(COUNT, np.inf, "<f4").tobytes(),
    "huge": np.full(COUNT, 1e6, "<f4").tobytes(),
    "overflowing": np.full(COUNT, 3e38, "<f4").tobytes(),
    "short": b"\0" * 8,
}


@pytest.mark.parametrize("lie", LIES)
def test_liars_are_refused_replaced_and_left_out(lie: str) -> None:
    config = Config(rounds=100, deadline=1e6, most_strikes=2, isolation_rounds=10)
    world = World(devices=4, strategy="tiny_reptile", config=config)
    world.store.saved.norms = [6.0] * 8
    world.wire.clear()
    world.start()
    for strikes in (1, 2):
        number = max(world.machine.rounds.open)
        name = world.machine.rounds.open[number].round.selected[-1]
        while name != "d0":
            tell(world, name, updates(world, name, number))
            number = max(world.machine.rounds.open)
            name = world.machine.rounds.open[number].round.selected[-1]
        before = world.machine.head.version.number
        effects = tell(world, "d0", updates(world, "d0", number, LIES[lie]))
        assert verdicts(effects) == [m.Verdict.REFUSED]
        assert world.machine.head.version.number == before
        assert world.machine.roster.get("d0").strikes == strikes
        assert len(world.machine.rounds.open[number].round.selected) > 1
    assert world.machine.roster.get("d0").isolated_until > number
    assert world.machine.roster.draw(4, number + 1, set()) and "d0" not in (
        world.machine.roster.draw(4, number + 1, set()))  # fmt: skip


def test_rounds_go_on_without_those_who_are_left_out() -> None:
    """All devices of a fleet are asked in each round; a liar among them must not end the run."""
    config = Config(rounds=30, deadline=1e6, most_strikes=1, isolation_rounds=10)
    world = World(devices=3, config=config, parameters={"devices": 3})
    world.devices["d1"].moves = lambda _: np.full(COUNT, np.nan, np.float32)
    world.wire.clear()
    world.start()
    world.run()
    reports = [v.reports for v in world.store.versions.values()][1:]
    assert set(reports) == {2} and world.machine.roster.get("d1").strikes >= 2


def test_a_device_that_starts_again_and_again_is_left_out() -> None:
    world = World(devices=2, config=Config(rounds=100, most_births=3), parameters={"devices": 1})
    device = world.devices["d0"]
    for second in range(6):
        device.restart()
        tell(world, "d0", device.announce(), float(second))
    assert world.machine.roster.get("d0").isolated_until > 0


def test_a_fleet_whose_devices_are_all_left_out_goes_on_in_time() -> None:
    """Isolation ended with rounds alone, and no round was opened without a device for it."""
    config = Config(rounds=3, most_births=3, isolation_rounds=4, deadline=10)
    world = World(devices=1, config=config, parameters={"devices": 1})
    for second in range(6):
        world.devices["d0"].restart()
        tell(world, "d0", world.devices["d0"].announce(), float(second))
    assert world.machine.roster.get("d0").isolated_until == 5
    for now in (
        20.0,
        49.0,
    ):  # the first round has been void since 20 s; the second waits for 3 more
        world.machine.handle(Tick(), now)
        assert not world.machine.rounds.open
    effects = world.machine.handle(Tick(), 51.0)
    assert world.machine.rounds.open[2].round.selected == ("d0",)
    assert PutDevice(world.machine.roster.get("d0")) in effects.changes
    assert world.machine.roster.get("d0").isolated_until == 2


def test_a_device_that_says_nothing_costs_few_deadlines() -> None:
    """Its will was lost, or its board hangs behind a gateway: it stays online."""
    config = Config(rounds=40, deadline=10)
    world = World(devices=3, config=config, parameters={"devices": 3})
    silent = world.devices.pop("d1")
    world.run()
    assert [log.round for log in world.store.logs if log.what == "silent"] == [1, 4, 9, 18, 35]
    assert world.now < 6 * config.deadline and world.machine.head.version.number == 41
    assert "d1" not in world.machine.roster.draw(3, 41, set())
    tell(world, "d1", silent.announce())
    assert "d1" in world.machine.roster.draw(3, 41, set())


def test_few_do_not_make_versions_alone_because_many_are_silent() -> None:
    world = World(devices=5, config=Config(rounds=6, deadline=10), parameters={"devices": 5})
    for name in ("d1", "d2", "d4"):
        world.devices.pop(name)
    world.run()
    assert world.machine.counters["rounds void"] == 6 and world.machine.head.version.number == 1


def test_a_silent_device_is_asked_all_the_same_where_it_is_the_only_one() -> None:
    config = Config(rounds=6, deadline=10)
    world = World(devices=1, strategy="tiny_reptile", config=config)
    alone = world.devices.pop("d0")
    while world.machine.rounds.last_round < 5:
        world.step()
    assert world.now < 4.5 * config.deadline
    world.devices["d0"] = alone
    world.run()
    assert [entry for entry in world.store.aggregated if entry[0] >= 5]


@pytest.mark.parametrize("wrong", ["silent", "lies"])
def test_who_did_badly_in_a_round_long_past_is_left_out_of_the_next_ones(wrong: str) -> None:
    """Many rounds have begun and ended since, and each rest was over before it began."""
    config = Config(rounds=1000, concurrency=2, most_strikes=1, isolation_rounds=20, deadline=60)
    world = World(devices=2, strategy="fed_async", config=config)
    (slow,), (fast,) = asked(world, 1), asked(world, 2)
    for _ in range(20):
        number = max(world.machine.rounds.open)
        tell(world, fast, updates(world, fast, number))
    if wrong == "silent":
        world.machine.handle(Tick(), 30.0)
        tell(world, fast, updates(world, fast, max(world.machine.rounds.open)), 30.0)
        world.machine.handle(Tick(), 60.0)
    else:
        tell(world, slow, updates(world, slow, 1, LIES["NaN"]))
    last = world.machine.rounds.last_round
    assert last > 20 and not {1} & world.machine.rounds.open.keys()
    assert slow not in world.machine.roster.draw(2, last + 1, set())


@given(st.binary(max_size=300), st.sampled_from(sorted(m.UP)))
def test_no_bytes_of_a_device_can_harm(rubbish: bytes, kind: int) -> None:
    world = World(devices=2, config=Config(rounds=3), parameters={"devices": 2})
    tell(world, "d0", rubbish)
    tell(world, "d0", Message(kind, 0, rubbish).pack())
    assert np.all(np.isfinite(world.machine.head.weights))


# ---- operators ----


def test_pause_survives_a_restart() -> None:
    world = World(devices=2, config=Config(rounds=3), parameters={"devices": 2})
    world.handle(Requested({"do": "pause"}, 1))
    for _ in range(200):
        world.step()
    world.start()
    assert world.machine.paused and world.machine.rounds.last_round == 1
    world.handle(Requested({"do": "resume"}, 1))
    world.run()


def test_evicted_and_held_devices_are_asked_no_more() -> None:
    world = World(devices=3, config=Config(rounds=9), parameters={"devices": 1})
    world.handle(Requested({"do": "evict", "device": "d0"}, 1))
    world.handle(Requested({"do": "hold", "device": "d1"}, 1))
    world.wire.clear()
    world.now += 100
    world.run()
    late = [key for key in world.store.aggregated if key[0] > 1]
    assert late and {name for _, name in late} == {"d2"}


@pytest.mark.parametrize("how", ["evict", "hold", "leave"])
def test_who_was_given_up_is_not_asked_again_after_a_restart(how: str) -> None:
    """The round that it was in asked it once more, and waited for it until its deadline."""
    world = World(devices=2, config=Config(rounds=2, deadline=60), parameters={"devices": 2})
    gone = world.devices["d0"]
    if how == "leave":
        world.handle(Received("d0", "state", m.Gone(gone.births).pack()))
        del world.devices["d0"]
    else:
        world.handle(Requested({"do": how, "device": "d0"}, 1))
    world.wire.clear()
    world.start()
    while (
        world.machine.rounds.last_round == 1 and world.now < 59 and 1 in world.machine.rounds.open
    ):
        world.step()
    assert world.store.aggregated == [(1, "d1")] and world.now < 30
    assert gone.task is None


def test_what_an_evicted_device_still_sends_does_not_count() -> None:
    world = World(devices=3, config=Config(rounds=2), parameters={"devices": 2})
    name, _ = asked(world, 1)
    world.handle(Requested({"do": "evict", "device": name}, 1))
    assert verdicts(tell(world, name, updates(world, name, 1))) == [m.Verdict.FOREIGN]
    assert name not in world.machine.rounds.open[1].updates


@pytest.mark.parametrize("command", [{}, {"do": "fly"}, {"do": "evict", "device": "x"},
                                     {"do": "rollout", "version": "a", "stages": [1]},
                                     {"do": "rollout", "version": 2, "stages": [0.5, 0.1]}])  # fmt: skip
def test_what_makes_no_sense_is_logged(command: dict) -> None:
    world = World(devices=1, config=Config(rounds=1), parameters={"devices": 1})
    world.handle(Requested(command, 1))
    assert world.store.logs[-1].what == "bad request"


# ---- versions to the devices ----


def rolled_out(world: World, version: int, seconds: float = 120) -> None:
    world.handle(Requested({"do": "rollout", "version": version, "stages": [0.3, 1.0]}, 1))
    passed(world, seconds)


def passed(world: World, seconds: float) -> None:
    until = world.now + seconds
    while world.now < until:
        effects = world.machine.handle(Tick(), world.now)
        world.store.commit(effects.changes)
        for wanted in effects.wanted:
            weights = world.store.versions[wanted].weights
            world.store.commit(world.machine.handle(Fetched(wanted, weights), world.now).changes)
        for name, body in effects.sends:
            world.put("down", name, body.pack())
        while world.wire:
            world.step()
        world.now += 0.5


def state_of(world: World, version: int) -> str:
    return world.machine.rollouts.records[version].state


def finished(devices: int = 12) -> World:
    world = World(devices=devices, config=Config(rounds=2, retry=1), parameters={"devices": 2})
    world.run()
    return world


def test_a_version_reaches_all_devices_in_stages() -> None:
    world = finished()
    rolled_out(world, 3)
    assert state_of(world, 3) == "done"
    assert {d.deployed for d in world.devices.values()} == {3}


def test_a_version_that_fails_goes_back() -> None:
    world = finished()
    rolled_out(world, 2)
    for device in world.devices.values():
        device.fault = int(m.Fault.STORE)
    rolled_out(world, 3)
    assert state_of(world, 3) == "aborted"
    touched = len(world.machine.rollouts.records[3].failed)
    assert 0 < touched < len(world.devices)
    assert {d.deployed for d in world.devices.values()} == {2}


@pytest.mark.parametrize("wrong", ["model_hash", "capabilities"])
def test_devices_that_cannot_have_a_version_do_not_end_its_rollout(wrong: str) -> None:
    """They were told of it, failed, and it was taken back from all the others."""
    world = finished()
    odd = [world.devices[f"d{i}"] for i in range(6)]
    for device in odd:
        said = m.unpack(device.announce(), m.UP)
        said = replace(said, **{wrong: bytes(16) if wrong == "model_hash" else m.Capability.LEARN})
        device.announce = said.pack
        device.fault = int(m.Fault.MODEL)
    world.start()
    rolled_out(world, 3)
    record = world.machine.rollouts.records[3]
    assert (record.state, record.failed, len(record.installed)) == ("done", (), 6)
    assert not any(device.deployed for device in odd)


def test_a_rollout_that_a_later_one_took_the_place_of_cannot_go_on() -> None:
    """It would be running for ever, as its devices have the later version."""
    world = finished()
    rolled_out(world, 2, seconds=1.0)
    rolled_out(world, 3)
    world.handle(Requested({"do": "rollout-resume", "version": 2}, 1))
    assert (state_of(world, 2), state_of(world, 3)) == ("superseded", "done")
    assert "version 3 was rolled out after version 2" in world.store.logs[-1].detail


def test_a_version_that_is_no_longer_kept_is_asked_for_once() -> None:
    world = finished()
    world.handle(Requested({"do": "rollout", "version": 2, "stages": [1.0]}, 1))
    first = world.machine.handle(Tick(), world.now)
    told = world.machine.handle(Fetched(2, None), world.now)
    assert first.wanted == [2]
    assert [change.detail for change in told.changes if isinstance(change, Log)] == [
        "version 2 is no longer kept: devices stay as they are"
    ]
    assert world.machine.handle(Tick(), world.now + 1).wanted == []


def test_a_paused_version_stays_where_it_is() -> None:
    world = finished()
    rolled_out(world, 2)
    rolled_out(world, 3, seconds=1.0)
    canary = {name for name, d in world.devices.items() if d.deployed == 3}
    assert 0 < len(canary) < len(world.devices)
    world.handle(Requested({"do": "rollout-pause", "version": 3}, 1))
    passed(world, 60)
    assert {name for name, d in world.devices.items() if d.deployed == 3} == canary
    world.handle(Requested({"do": "rollout-resume", "version": 3}, 1))
    passed(world, 60)
    assert {d.deployed for d in world.devices.values()} == {3}


def test_an_earlier_version_rolled_out_later_is_still_the_one_after_a_restart() -> None:
    world = finished()
    rolled_out(world, 3)
    rolled_out(world, 2)
    world.store.saved.rollouts.sort(key=lambda rollout: rollout.turn)
    world.start()
    passed(world, 60)
    assert {d.deployed for d in world.devices.values()} == {2}
    assert [r.turn for r in world.machine.rollouts.records.values()] == [1, 2]


def test_few_versions_are_held_in_memory_and_all_are_reached() -> None:
    world = World(devices=12, config=Config(rounds=12, retry=1), parameters={"devices": 2})
    world.run()
    for number in range(12):
        world.handle(Requested({"do": "pin", "device": f"d{number}", "version": number + 2}, 1))
    passed(world, 300)
    assert [world.devices[f"d{n}"].deployed for n in range(12)] == list(range(2, 14))
    assert len(world.machine.rollouts._blobs) <= 8


def test_pinned_and_held_devices_stay_where_they_are() -> None:
    world = finished()
    rolled_out(world, 2)
    world.handle(Requested({"do": "pin", "device": "d1", "version": 2}, 1))
    world.handle(Requested({"do": "hold", "device": "d2"}, 1))
    rolled_out(world, 3)
    kept = {name: d.deployed for name, d in world.devices.items()}
    assert kept.pop("d1") == 2 and kept.pop("d2") == 2 and set(kept.values()) == {3}


def test_learning_goes_on_from_an_earlier_version() -> None:
    world = finished()
    effects = world.machine.handle(Requested({"do": "restore", "version": 2}, 1), world.now)
    assert effects.wanted == [2]
    weights = world.store.versions[2].weights
    world.store.commit(world.machine.handle(Fetched(2, weights), world.now).changes)
    assert world.store.saved.head.weights == weights
    assert world.store.saved.head.note == "back to 2"


def test_the_first_updates_of_a_run_are_judged_by_the_weights() -> None:
    """Before there are norms to compare with, a lie must not become the usual."""
    world = World(devices=1, strategy="tiny_reptile", config=Config(rounds=9))
    effects = tell(world, "d0", updates(world, "d0", 1, LIES["huge"]))
    assert verdicts(effects) == [m.Verdict.REFUSED]


def test_who_learns_is_not_left_out_where_most_learn_nothing() -> None:
    """Most updates move nothing: any other was infinitely many times as large."""
    config = Config(rounds=12, most_strikes=1)
    world = World(devices=3, config=config, parameters={"devices": 3})
    for name in ("d0", "d1"):
        world.devices[name].moves = lambda _: np.zeros(COUNT, np.float32)
    world.wire.clear()
    world.start()
    world.run()
    assert {v.reports for v in world.store.versions.values()} == {0, 3}
    assert world.machine.roster.get("d2").strikes == 0


def test_what_only_the_others_of_a_round_show_to_be_too_large_is_set_aside() -> None:
    world = World(devices=5, config=Config(rounds=1, norm_factor=4), parameters={"devices": 5})
    for name in asked(world, 1):
        size = np.float32(0.5 if name == "d2" else 0.05)
        tell(world, name, updates(world, name, 1, (world.devices[name].moves(1) * size).tobytes()))
    assert world.machine.head.version.reports == 4
    assert world.machine.roster.get("d2").strikes == 1
