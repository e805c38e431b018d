"""The device's part of the fleet in C, message by message."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from support.fleet_devices import (
    INPUTS,
    LINEAR,
    SAMPLES,
    SMALL,
    SOFTMAX,
    SOURCES,
    WEIGHTS,
    Coordinator,
    FleetHost,
    play,
    task,
    version,
)

from tinylearn.device.messages import LearnMode, Reset
from tinylearn.errors import RefusedError
from tinylearn.fleet import messages as m
from tinylearn.fleet.updates import encode_sparse

INLINE, SPARSE = m.TaskFlag.INLINE, m.TaskFlag.SPARSE


def learnt(kind: int, weights: bytes, rate: float = 0.05, count: int = SAMPLES) -> bytes:
    """The weights after learning by hand what a task teaches."""
    host = FleetHost(kind, snapshot=False)
    host.write(weights)
    host.set_rate(rate)
    x, y = SOURCES[kind]("", 1, 1, count)
    for a, b in zip(x, y, strict=True):
        host.step(a, **({"label": int(b)} if kind == SOFTMAX else {"target": b}))
    return host.weights()


def finished(host: FleetHost, wanted: m.Task, weights: bytes) -> m.Update:
    """The round is played; the update with its whole stream."""
    coordinator = Coordinator(wanted, weights[wanted.first : wanted.first + wanted.size])
    play(host.agent(), coordinator)
    assert host.phase is m.Phase.DONE and not coordinator.refusals
    return replace(coordinator.updates[0], data=bytes(coordinator.pieces))


@pytest.mark.parametrize("kind", [SOFTMAX, LINEAR])
@pytest.mark.parametrize("flags", [m.TaskFlag.NONE, INLINE])
@pytest.mark.parametrize("frame", ["TL_FRAME_BYTES=256", "TL_FRAME_BYTES=80"])
def test_an_update_is_what_learning_by_hand_gives(kind: int, flags: m.TaskFlag, frame: str) -> None:
    if frame.endswith("80"):
        flags = m.TaskFlag.NONE  # no frame holds the weights
    host, weights = FleetHost(kind, defines=(frame,)), version(kind)
    update = finished(host, task(kind, flags=flags), weights)
    assert update.data == learnt(kind, weights) == host.weights()
    assert (update.samples, update.attempt, update.encoding) == (SAMPLES, 0, m.Encoding.WEIGHTS)


def test_the_loss_is_the_mean_before_each_step() -> None:
    by_hand, weights = FleetHost(LINEAR), version(LINEAR)
    by_hand.write(weights)
    x, y = SOURCES[LINEAR]("", 1, 1, SAMPLES)
    losses = [by_hand.step(a, target=b).loss for a, b in zip(x, y, strict=True)]
    update = finished(FleetHost(LINEAR), task(LINEAR), weights)
    assert update.loss == pytest.approx(np.mean(losses), rel=1e-6)


def test_passes_repeat_the_samples() -> None:
    weights = version(LINEAR)
    update = finished(FleetHost(LINEAR), task(LINEAR, passes=3), weights)
    by_hand = FleetHost(LINEAR)
    by_hand.write(weights)
    x, y = SOURCES[LINEAR]("", 1, 1, SAMPLES)
    for _ in range(3):
        for a, b in zip(x, y, strict=True):
            by_hand.step(a, target=b)
    assert update.data == by_hand.weights() and update.samples == 3 * SAMPLES


def test_a_sparse_update_is_the_hosts() -> None:
    weights = version(SOFTMAX)
    update = finished(FleetHost(SOFTMAX), task(flags=SPARSE, share=0.3), weights)
    now, was = (np.frombuffer(w, "<f4") for w in (learnt(SOFTMAX, weights), weights))
    assert update.encoding == m.Encoding.SPARSE_DELTA
    assert update.data == encode_sparse(now - was, 0.3)


def test_the_local_part_learns_first_and_stays() -> None:
    """The exchanged part is put back after the local samples; the rest goes on from them."""
    weights, exchanged = version(LINEAR), 4 * INPUTS
    host = FleetHost(LINEAR)
    host.write(weights)
    wanted = task(LINEAR, weights, size=exchanged, local_samples=3)
    update = finished(host, wanted, weights)
    by_hand = FleetHost(LINEAR)
    by_hand.write(weights)
    x, y = SOURCES[LINEAR]("", 1, 1, 3 + SAMPLES)
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        if i == 3:
            by_hand.write(weights[:exchanged] + by_hand.weights()[exchanged:])
        by_hand.step(a, target=b)
    assert host.weights() == by_hand.weights()
    assert update.data == by_hand.weights()[:exchanged] and update.samples == SAMPLES


def test_without_snapshot_memory_there_is_no_sparse_and_no_local_part() -> None:
    host = FleetHost(snapshot=False)
    announced = host.say(m.Who())
    assert isinstance(announced, m.Announce)
    assert announced.capabilities == m.Capability.LEARN | m.Capability.STORE
    for wanted in (task(flags=SPARSE), task(local_samples=2)):
        refused = host.say(wanted)
        assert isinstance(refused, m.Refusal)
        assert (refused.fault, refused.detail, refused.request) == (m.Fault.UNSUPPORTED, 2, 0x30)
    assert finished(host, task(), version(SOFTMAX)).data == learnt(SOFTMAX, version(SOFTMAX))


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (task(model_hash=bytes(16)), m.Fault.MODEL),
        (task(first=2), m.Fault.LENGTH),
        (replace(task(), size=WEIGHTS[SOFTMAX] + 4), m.Fault.LENGTH),
        (replace(task(), first=8, size=0xFFFFFFFC), m.Fault.LENGTH),
        (replace(task(), first=0xFFFFFFFC, size=8), m.Fault.LENGTH),
        (replace(task(), size=0), m.Fault.LENGTH),
        (task(flags=INLINE, data=bytes(8)), m.Fault.LENGTH),
        (task(data=bytes(8)), m.Fault.LENGTH),
        (task(samples=0), m.Fault.UNSUPPORTED),
        (task(passes=0), m.Fault.UNSUPPORTED),
        (task(samples=1 << 31, passes=2), m.Fault.UNSUPPORTED),
        (task(rate=float("nan")), m.Fault.UNSUPPORTED),
        (task(rate=-1.0), m.Fault.UNSUPPORTED),
        (task(flags=SPARSE, share=1.5), m.Fault.UNSUPPORTED),
        (task(flags=SPARSE, share=float("nan")), m.Fault.UNSUPPORTED),
    ],
)
def test_a_task_that_cannot_be_done_is_refused(wanted: m.Task, fault: m.Fault) -> None:
    host = FleetHost()
    before = host.weights()
    refused = host.say(wanted)
    assert isinstance(refused, m.Refusal) and refused.fault is fault
    assert (refused.run, refused.round) == (1, 1)
    assert host.phase is m.Phase.IDLE and host.weights() == before and host.mode == 1


def test_what_is_no_message_of_the_fleet_is_refused_by_name() -> None:
    host = FleetHost()

    def fault(content: bytes) -> m.Fault:
        (answer,) = host.tell(content)
        refused = m.unpack(answer, m.UP)
        assert isinstance(refused, m.Refusal) and refused.request == content[1]
        return refused.fault

    good = m.Next(1, 1, 0).pack()
    assert fault(bytes([9]) + good[1:]) is m.Fault.VERSION
    assert fault(bytes([1, 0x3A, 0, 0, 0, 0, 0, 0])) is m.Fault.TYPE
    assert fault(good[:-1]) is m.Fault.LENGTH
    longer = good + b"\0"
    assert fault(longer[:4] + bytes([13, 0]) + longer[6:]) is m.Fault.LENGTH
    assert host.tell(m.Gone(1).pack()) == []  # an echo


def test_a_damaged_version_is_pulled_three_times_then_refused() -> None:
    host = FleetHost()
    host.write(version(SOFTMAX, 5))
    wanted = replace(task(), crc=1)
    coordinator = Coordinator(wanted, version(SOFTMAX))
    waiting, pulls = [coordinator.nudge()], 0
    while waiting:
        for content in host.tell(waiting.pop(0)):
            pulls += isinstance(m.unpack(content, m.UP), m.Pull)
            waiting += coordinator.take(content)
    assert pulls == 3 and coordinator.refusals[0].fault is m.Fault.DAMAGED
    assert host.weights() == version(SOFTMAX, 5)
    assert host.phase is m.Phase.IDLE and host.mode == LearnMode.ALWAYS


def test_without_snapshot_memory_a_damaged_pull_ends_in_the_stored_weights() -> None:
    host = FleetHost(snapshot=False)
    host.write(version(SOFTMAX, 5))
    host.save()
    host.write(version(SOFTMAX, 6))
    play(host.agent(), Coordinator(replace(task(), crc=1), version(SOFTMAX)), nudges=1)
    assert host.weights() == version(SOFTMAX, 5)
    empty = FleetHost(snapshot=False)
    initial = empty.weights()
    play(empty.agent(), Coordinator(replace(task(), crc=1), version(SOFTMAX)), nudges=1)
    assert empty.weights() == initial


def test_a_sample_that_is_not_finite_ends_the_task() -> None:
    host = FleetHost()
    assert isinstance(host.say(task(flags=INLINE)), m.Progress)
    device, said = host.device(), []
    device.on_message = said.append
    x, y = SOURCES[SOFTMAX]("", 1, 1, 2)
    device.learn(x[0], label=int(y[0]))
    device.learn(np.full(INPUTS, np.nan), label=0)
    device.metrics()
    refused = m.unpack(said[0], m.UP)
    assert isinstance(refused, m.Refusal) and refused.fault is m.Fault.DIVERGED
    assert host.phase is m.Phase.IDLE and host.weights() == version(SOFTMAX)


def test_weights_that_are_not_finite_are_never_sent() -> None:
    host = FleetHost(LINEAR)
    agent, wanted = host.agent(), task(LINEAR, flags=INLINE, rate=3e38, samples=1)
    said = [m.unpack(content, m.UP) for content in agent.handle(wanted.pack())]
    assert isinstance(said[-1], m.Refusal) and said[-1].fault is m.Fault.DIVERGED
    assert host.weights() == version(LINEAR)


def test_a_nudge_is_answered_by_what_is_needed_next() -> None:
    host, wanted = FleetHost(defines=SMALL), task()
    pull = host.say(wanted)
    assert host.say(wanted) == pull == m.Pull(1, 1, 7, 0, 80)
    part = version(SOFTMAX)
    assert host.say(m.Chunk(7, 0, part[:80])) == m.Pull(1, 1, 7, 80, 80) == host.say(wanted)
    progress = host.say(m.Chunk(7, 80, part[80:]))
    assert isinstance(progress, m.Progress) and progress.phase is m.Phase.LEARNING
    assert host.say(wanted) == progress
    device, said = host.device(), []
    device.on_message = said.append
    for a, b in zip(*SOURCES[SOFTMAX]("", 1, 1, SAMPLES), strict=True):
        device.learn(a, label=int(b))
    device.metrics()
    piece = host.say(wanted)
    assert piece == m.unpack(said[0], m.UP) and isinstance(piece, m.Update)
    later = host.say(m.Next(1, 1, len(piece.data)))
    assert isinstance(later, m.Update) and later.offset == len(piece.data) > 0
    assert host.say(m.Next(1, 1, later.offset)) is None  # a copy: it was sent already
    assert host.say(wanted) == later
    assert host.say(m.Next(1, 1, piece.total)) is None
    assert host.say(m.Receipt(1, 1, 0, m.Verdict.ACCEPTED)) is None
    done = host.say(wanted)
    assert isinstance(done, m.Progress) and done.phase is m.Phase.DONE


def test_what_was_not_asked_for_moves_nothing() -> None:
    host, wanted = FleetHost(), task()
    assert isinstance(host.say(wanted), m.Pull)
    before = host.weights()
    for body in (m.Chunk(6, 0, bytes(8)), m.Chunk(7, 8, bytes(8)), m.Chunk(7, 0, b""),
                 m.Chunk(7, 0, bytes(WEIGHTS[SOFTMAX] + 4)), m.Next(1, 1, 0),
                 m.Receipt(1, 1, 9, m.Verdict.ENDED), m.Receipt(2, 1, 0, m.Verdict.ENDED)):  # fmt: skip
        assert host.say(body) is None
    assert host.weights() == before and host.phase is m.Phase.PULLING


def test_an_earlier_round_does_not_end_a_later_one() -> None:
    host = FleetHost()
    later = task(round=5, flags=INLINE)
    assert isinstance(host.say(later), m.Progress)
    answer = host.say(task(round=4, flags=INLINE))
    assert isinstance(answer, m.Progress) and answer.round == 5
    other = host.say(task(run=9, round=1, flags=INLINE))
    assert isinstance(other, m.Progress) and (other.run, other.round) == (9, 1)


def test_rate_mode_and_guard_are_the_devices_own_again_after_the_task() -> None:
    host = FleetHost()
    device = host.device()
    device.set_mode(LearnMode.NEVER)
    device.set_learning_rate(0.5)
    finished(host, task(), version(SOFTMAX))
    metrics = host.device().metrics()
    assert (metrics.mode, metrics.learning_rate) == (LearnMode.NEVER, 0.5)
    device.snapshot()
    device.rollback()


def test_a_receipt_in_the_midst_of_pulling_gives_the_weights_back() -> None:
    host = FleetHost(defines=SMALL)
    host.write(version(SOFTMAX, 3))
    host.say(task())
    host.say(m.Chunk(7, 0, version(SOFTMAX)[:80]))
    assert host.weights() != version(SOFTMAX, 3)
    assert host.say(m.Receipt(1, 1, 0, m.Verdict.ENDED)) is None
    assert host.weights() == version(SOFTMAX, 3) and host.mode == LearnMode.ALWAYS


def test_samples_between_update_and_receipt_do_not_change_the_update() -> None:
    host = FleetHost()
    messages = host.agent().handle(task(flags=INLINE).pack())
    before = host.weights()
    x, y = SOURCES[SOFTMAX]("", 8, 8, 20)
    for a, b in zip(x, y, strict=True):
        host.device().learn(a, label=int(b))
    assert host.weights() == before
    piece = m.unpack(messages[-1], m.UP)
    assert isinstance(piece, m.Update) and zlib.crc32(piece.data) == piece.crc
    assert host.say(task(flags=INLINE)) == piece


@pytest.mark.parametrize("what", ["rate", "mode", "load", "raw", "observe", "reset", "upload"])
def test_requests_that_move_the_model_end_the_task(what: str) -> None:
    host = FleetHost()
    device = host.device()
    device.learn(np.ones(INPUTS), label=0)
    device.save()
    blob = device.read_weights()
    host.say(task(flags=INLINE))
    assert host.phase is m.Phase.LEARNING
    {
        "rate": lambda: device.set_learning_rate(0.1),
        "mode": lambda: device.set_mode(LearnMode.NEVER),
        "load": device.load,
        "raw": lambda: device.learn(np.ones(INPUTS), label=0, raw=True),
        "observe": lambda: device.predict(np.ones(INPUTS), observe=True),
        "reset": lambda: device.reset(Reset.WEIGHTS),
        "upload": lambda: device.write_weights(blob),
    }[what]()
    assert host.phase is m.Phase.IDLE
    again = host.say(task(flags=INLINE))
    assert isinstance(again, m.Progress) and again.phase is m.Phase.LEARNING


def test_requests_that_do_not_leave_the_task_alone() -> None:
    host = FleetHost()
    device = host.device()
    host.say(task(flags=INLINE))
    device.predict(np.ones(INPUTS))
    device.info()
    device.clear_metrics()
    with pytest.raises(RefusedError):
        device.rollback()
    with pytest.raises(RefusedError):
        device.snapshot()
    assert host.phase is m.Phase.LEARNING


def test_samples_for_a_task_teach_nothing_without_one() -> None:
    host = FleetHost()
    device = host.device()
    before = host.weights()
    with pytest.raises(RefusedError, match="no task"):
        device.learn(np.ones(INPUTS), label=0, task=True)
    assert host.weights() == before and device.metrics().samples == 0
    host.say(task(flags=INLINE))
    assert device.learn(np.ones(INPUTS), label=0, task=True).learned


def test_progress_is_that_of_the_task_alone() -> None:
    host = FleetHost()
    for label in range(3):
        host.step(np.ones(INPUTS), label)
    begun = host.say(task(flags=INLINE))
    assert isinstance(begun, m.Progress) and (begun.loss, begun.error) == (0, 0)
