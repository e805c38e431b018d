"""The gateway between a board on a line and a link in memory."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.fleet_devices import (
    INPUTS,
    SAMPLES,
    SOFTMAX,
    Coordinator,
    FleetHost,
    play,
    source,
    task,
    version,
)

from tinylearn.device.client import Device
from tinylearn.errors import DeviceError
from tinylearn.fleet import messages as m
from tinylearn.fleet.gateway import Gateway


class Link:
    """A DeviceLink that keeps what it is given."""

    def __init__(self) -> None:
        self.states: list[m.Announce] = []
        self.wills: list[bytes] = []
        self.sent: list[bytes] = []
        self.deliver: Callable[[bytes], None] | None = None

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        assert self.deliver is None, "started twice"
        self.announce(state)
        self.wills.append(will)
        self.deliver = deliver

    def send(self, content: bytes) -> None:
        assert self.deliver is not None
        self.sent.append(content)

    def announce(self, state: bytes) -> None:
        announced = m.unpack(state, m.UP)
        assert isinstance(announced, m.Announce)
        self.states.append(announced)

    def close(self) -> None:
        self.deliver = None


class Bench:
    """A gateway with its board and its link; steps are taken by hand."""

    def __init__(self, with_source: bool = True) -> None:
        self.host, self.link = FleetHost(), Link()
        self.gateway = Gateway("d", self.host.device, self.link, source if with_source else None,
                               births=1)  # fmt: skip
        self.gateway.start()

    def tell(self, *contents: bytes) -> None:
        for content in contents:
            assert self.link.deliver is not None
            self.link.deliver(content)
        self.gateway.step(0.0)

    def taken(self) -> list[bytes]:
        sent, self.link.sent = self.link.sent, []
        return sent

    def finish(self, coordinator: Coordinator, nudges: int = 3) -> None:
        for _ in range(nudges):
            self.tell(coordinator.nudge())
            for _ in range(40):
                answers = [a for content in self.taken() for a in coordinator.take(content)]
                self.tell(*answers)


def reference() -> bytes:
    host = FleetHost()
    play(host.agent(), Coordinator(task(), version(SOFTMAX)))
    return host.weights()


def test_a_round_through_the_gateway() -> None:
    bench, coordinator = Bench(), Coordinator(task(), version(SOFTMAX))
    assert bench.link.states[0].births == 1 and bench.link.wills == [m.Gone(1).pack()]
    bench.finish(coordinator)
    assert bytes(coordinator.pieces) == reference() == bench.host.weights()


def test_who_is_answered_with_the_births() -> None:
    bench = Bench()
    bench.tell(m.Who().pack())
    (answer,) = bench.taken()
    assert m.unpack(answer, m.UP) == bench.link.states[0]


@pytest.mark.parametrize("samples", range(0, SAMPLES + 1, 2))
def test_a_board_that_resets_is_announced_anew_and_begins_again(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinylearn.fleet.gateway._SLICE", 1)
    bench, coordinator = Bench(), Coordinator(task(), version(SOFTMAX))
    for content in (task(flags=m.TaskFlag.INLINE).pack(), *[b""] * samples):
        bench.tell(content)
    bench.taken()
    bench.host.boot()
    for _ in range(3):
        bench.gateway.step(0.0)
    assert [state.births for state in bench.link.states] == [1, 2]
    assert bench.link.wills[-1] == m.Gone(2).pack()
    assert all(not isinstance(m.unpack(c, m.UP), m.Announce) for c in bench.taken())
    bench.finish(coordinator)
    assert len(coordinator.updates) == 1 and bytes(coordinator.pieces) == reference()


def test_a_board_with_a_stream_of_its_own() -> None:
    bench, coordinator = Bench(with_source=False), Coordinator(task(), version(SOFTMAX))
    bench.finish(coordinator, 1)
    assert bench.host.phase is m.Phase.LEARNING
    for x, label in zip(*source("", 1, 1, SAMPLES), strict=True):
        bench.host.own_sample(x, int(label))
    bench.gateway.step(0.0)
    bench.finish(coordinator, 1)
    assert bytes(coordinator.pieces) == reference()


def test_a_deployment_renews_the_retained_state() -> None:
    bench = Bench()
    held = FleetHost().device().read_weights()
    blob = replace(held, weights=version(SOFTMAX), labels=(1, 2)).pack()
    bench.tell(m.Deploy(4, len(blob), zlib.crc32(blob), task().model_hash).pack())
    while pulls := [m.unpack(content, m.UP) for content in bench.taken()]:
        if not isinstance(pulls[0], m.Pull):
            break
        at, room = pulls[0].offset, pulls[0].room
        bench.tell(m.Chunk(4, at, blob[at : at + room]).pack())
    assert pulls == [m.Deployed(4, 0)]
    assert [state.deployed for state in bench.link.states] == [0, 4]


def test_the_announcement_is_given_again_every_minute() -> None:
    """Where the broker has lost the retained one, nobody would ever know the device."""
    now, link = [100.0], Link()
    gateway = Gateway("d", FleetHost().device, link, source, births=4, clock=lambda: now[0])
    gateway.start()
    for _ in range(1850):
        now[0] += 0.1
        gateway.step(0.0)
    assert [state.births for state in link.states] == [4] * 4
    assert len(set(link.states)) == 1 and link.sent == []


class Impatient(threading.Event):
    """Never waits; notes for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


class Asking(Link):
    """Asks who is there, again and again, as soon as it is connected for the first time."""

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        super().start(state, will, deliver)
        for _ in range(5 if len(self.wills) == 1 else 0):
            deliver(m.Who().pack())


class Flaky:
    """A line that breaks after so many sends."""

    name = "flaky line"

    def __init__(self, host: FleetHost, sends: int) -> None:
        self.host, self.sends = host, sends

    def send(self, data: bytes) -> None:
        self.sends -= 1
        if self.sends < 0:
            raise DeviceError("flaky line: the line is gone")
        self.host.send(data)

    def receive(self, timeout: float) -> bytes:
        return self.host.receive(timeout)

    def close(self) -> None:
        pass


def test_a_lost_board_is_looked_for_with_growing_patience_and_announced_anew() -> None:
    host, link, stop, opened = FleetHost(), Asking(), Impatient(), []

    def connect() -> Device:
        opened.append(len(opened))
        if len(opened) in (2, 3, 4):
            raise DeviceError("no such port")
        if len(opened) == 5:
            stop.set()
        return Device(Flaky(host, 8 if len(opened) == 1 else 1000), timeout=0.001)

    gateway = Gateway("d", connect, link, source, births=10)
    gateway.serve(stop, step=0.0)
    gateway.close()
    assert stop.waits == [1.0, 2.0, 4.0, 8.0]
    assert [state.births for state in link.states] == [10, 11]
    assert link.deliver is None


def test_a_missing_board_is_an_error_at_the_start() -> None:
    def connect() -> Device:
        raise DeviceError("no such port")

    with pytest.raises(DeviceError, match="no such port"):
        Gateway("d", connect, Link()).start()
    with pytest.raises(DeviceError, match="not started"):
        Gateway("d", connect, Link()).step(0.0)


def test_births_rise_with_the_clock_from_process_to_process() -> None:
    link = Link()
    Gateway("d", FleetHost().device, link).start()
    assert link.states[0].births > 1_600_000_000


def test_samples_are_not_fed_to_a_board_that_does_not_learn() -> None:
    bench = Bench()
    before = bench.host.weights()
    for _ in range(5):
        bench.gateway.step(0.0)
    assert bench.host.weights() == before and bench.taken() == []
    bench.host.step(np.ones(INPUTS), 1)


class Listening(FleetHost):
    """Notes for how long it is listened to; has nothing to say by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def receive(self, timeout: float) -> bytes:
        said = super().receive(timeout)
        self.waits += [timeout] if not said else []
        return said


def test_a_message_down_never_waits_for_a_board_that_is_silent() -> None:
    host, link = Listening(), Link()
    gateway = Gateway("d", host.device, link, source, births=1)
    gateway.start()
    host.waits.clear()
    threading.Thread(target=lambda: link.deliver and link.deliver(m.Who().pack())).start()
    gateway.step(20.0)
    assert [m.unpack(content, m.UP) for content in link.sent] == link.states
    assert host.waits == [0.0]
