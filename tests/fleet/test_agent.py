"""Agents and what they feed their boards."""

from __future__ import annotations

import numpy as np
import pytest
from support.fleet_devices import (
    SAMPLES,
    SOFTMAX,
    Coordinator,
    FleetHost,
    play,
    source,
    task,
    version,
)

from tinylearn.device.stream import Stream
from tinylearn.errors import DeviceError, UsageError
from tinylearn.fleet import messages as m
from tinylearn.fleet.agent import Agent
from tinylearn.fleet.board import SerialBoard
from tinylearn.fleet.feed import Feed, from_stream

INLINE = m.TaskFlag.INLINE


def test_the_announcement_has_what_only_the_host_knows() -> None:
    agent = Agent("d", SerialBoard(FleetHost().device()), source, births=4, free_ram=1234)
    (answer,) = agent.take(m.Who().pack())
    announced = m.unpack(answer, m.UP)
    assert isinstance(announced, m.Announce)
    assert (announced.births, announced.free_ram, announced.frame_bytes) == (4, 1234, 252)
    assert answer == agent.announce() and agent.will() == m.Gone(4).pack()
    agent.reborn()
    assert m.unpack(agent.will(), m.UP) == m.Gone(5)


def test_a_firmware_without_the_fleet_says_so() -> None:
    from support.fleet_devices import c_runtime

    board = SerialBoard(c_runtime.Host().device())
    with pytest.raises(DeviceError, match="--fleet"):
        Agent("d", board, source).announce()


def test_noise_is_not_passed_on() -> None:
    agent = FleetHost().agent()
    assert agent.take(b"") == agent.take(b"noise") == agent.take(m.Gone(1).pack()) == []


def test_samples_come_in_slices_without_going_beyond_the_task() -> None:
    host = FleetHost()
    agent = host.agent()
    agent.take(task(flags=INLINE).pack())
    said: list[bytes] = []
    slices = 0
    while agent.wants_samples:
        said += agent.learn(4)
        slices += 1
    assert slices == 2 and isinstance(m.unpack(said[0], m.UP), m.Update)
    assert agent.learn() == []


def test_a_reminder_in_the_midst_of_learning_changes_nothing() -> None:
    weights = version(SOFTMAX)
    calm, reminded = FleetHost(), FleetHost()
    play(calm.agent(), Coordinator(task(), weights))
    agent = reminded.agent()
    agent.take(task(flags=INLINE).pack())
    agent.learn(2)
    agent.take(task().pack())
    agent.learn()
    assert reminded.weights() == calm.weights()


def test_a_board_that_began_anew_unnoticed_is_fed_from_the_first_sample() -> None:
    calm, host = FleetHost(), FleetHost()
    play(calm.agent(), Coordinator(task(), version(SOFTMAX)))
    agent = host.agent()
    agent.take(task(flags=INLINE).pack())
    agent.learn(2)
    host.restart()
    for content in agent.handle(task(flags=INLINE).pack()):
        assert isinstance(m.unpack(content, m.UP), m.Progress | m.Update)
    assert host.phase is m.Phase.SENDING and host.weights() == calm.weights()


def test_a_source_that_gives_too_little_is_named() -> None:
    agent = Agent("dev7", SerialBoard(FleetHost().device()), lambda *_: source("", 1, 1, 2))
    with pytest.raises(UsageError, match=r"dev7: its source gave 2 samples .* not 6"):
        agent.take(task(flags=INLINE).pack())


def test_without_a_source_the_board_is_left_to_its_own() -> None:
    agent = Agent("d", SerialBoard(FleetHost().device()), None)
    agent.handle(task(flags=INLINE).pack())
    assert not agent.wants_samples


def test_the_feed_gives_the_local_part_once_and_the_others_each_pass() -> None:
    feed, order = Feed("d", task(local_samples=2, samples=3, passes=2), numbered), []
    while not feed.is_over:
        x, y = feed.next(2)
        assert len(x) == len(y) in (1, 2)
        feed.taken(len(x))
        order += x[:, 0].tolist()
    assert order == [0, 1, 2, 3, 4, 2, 3, 4]
    feed.rewind()
    assert feed.next()[0][:, 0].tolist() == [0, 1]


def numbered(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(count, dtype="f4").reshape(-1, 1), np.zeros(count, int)


def test_a_stream_goes_on_from_round_to_round() -> None:
    x = np.arange(5, dtype="f4").reshape(-1, 1)
    give = from_stream(Stream(x, labels=np.arange(5)))
    assert [give("d", 1, r, 3)[1].tolist() for r in (1, 2, 1)] == [[0, 1, 2], [3, 4, 0], [0, 1, 2]]
    targets = from_stream(Stream(x, targets=2 * x))
    assert targets("d", 1, 2, 2)[1].tolist() == [[4.0], [6.0]]


def test_the_count_of_samples_is_the_tasks() -> None:
    asked = []

    def counting(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append((device, run, round_, count))
        return source(device, run, round_, count)

    agent = Agent("d3", SerialBoard(FleetHost().device()), counting)
    agent.handle(task(flags=INLINE, run=8, round=2, local_samples=3, passes=5).pack())
    assert asked == [("d3", 8, 2, SAMPLES + 3)]
