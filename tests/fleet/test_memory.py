"""The fleet in memory: what it promises with and without faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.errors import UsageError
from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.memory import Faults, MemoryNetwork

probabilities = st.sampled_from([0.0, 0.1, 0.5])
faults = st.builds(
    Faults,
    probabilities,
    probabilities,
    probabilities,
    st.sampled_from([(0.0, 0.0), (0.1, 0.1), (0.0, 2.0)]),
)


class Scene:
    """A coordinator and two devices that note all they get, with the time."""

    def __init__(self, faults: Faults | None = None, seed: int = 0) -> None:
        self.network = MemoryNetwork(faults, seed)
        self.up: list[tuple[float, str, str, bytes]] = []
        self.down: list[tuple[float, str, bytes]] = []
        self.network.coordinator.start(self.take)
        self.devices = [self.network.device(name) for name in ("a", "b")]
        for device in self.devices:
            self.connect(device.name)

    def connect(self, name: str) -> None:
        def deliver(content: bytes) -> None:
            self.down.append((self.network.now, name, content))

        self.network.devices[name].start(b"state " + name.encode(), b"gone", deliver)

    def take(self, m: Incoming) -> None:
        self.up.append((self.network.now, m.device, m.channel, m.content))
        self.network.coordinator.acknowledge(m)

    def talk(self, count: int = 20) -> None:
        for i in range(count):
            for device in self.devices:
                device.send(b"up %d" % i)
                self.network.coordinator.send(device.name, b"down %d" % i)
            self.network.run(self.network.now + 0.05)
        self.network.run()

    def got_up(self, name: str) -> list[bytes]:
        return [c for _, device, channel, c in self.up if device == name and channel == "up"]


@pytest.mark.parametrize("delay", [(0.0, 0.0), (0.01, 3.0)])
def test_without_faults_all_comes_once_and_in_order(delay: tuple[float, float]) -> None:
    scene = Scene(Faults(delay=delay), seed=3)
    scene.talk()
    for name in ("a", "b"):
        assert scene.got_up(name) == [b"up %d" % i for i in range(20)]
        assert [c for _, d, c in scene.down if d == name] == [b"down %d" % i for i in range(20)]
    assert {c for _, _, channel, c in scene.up if channel == "state"} == {b"state a", b"state b"}


@given(faults, st.integers(0, 1000))
def test_the_same_seed_gives_the_same_deliveries(faults: Faults, seed: int) -> None:
    first, second = Scene(faults, seed), Scene(faults, seed)
    first.talk()
    second.talk()
    assert (first.up, first.down) == (second.up, second.down)
    assert first.network.counts == second.network.counts


@given(faults, st.integers(0, 1000))
def test_nothing_is_made_up_and_the_counts_add_up(faults: Faults, seed: int) -> None:
    scene = Scene(faults, seed)
    scene.talk()
    counts = scene.network.counts
    assert counts["delivered"] == counts["sent"] - counts["lost"] + counts["duplicated"]
    assert counts["delivered"] == len(scene.up) + len(scene.down)
    assert {content for _, _, content in scene.down} <= {b"down %d" % i for i in range(20)}
    assert all(scene.got_up("a").count(b"up %d" % i) <= 2 for i in range(20))
    times = [time for time, *_ in scene.up]
    assert times == sorted(times)


def test_rates_are_as_asked_for() -> None:
    scene = Scene(Faults(loss=0.2, duplication=0.1, reordering=0.3), seed=1)
    scene.talk(2000)
    counts = scene.network.counts
    assert counts["lost"] / counts["sent"] == pytest.approx(0.2, abs=0.02)
    carried = counts["sent"] - counts["lost"]
    assert counts["duplicated"] / carried == pytest.approx(0.1, abs=0.02)
    assert counts["reordered"] / (carried + counts["duplicated"]) == pytest.approx(0.3, abs=0.02)
    got = [int(content[3:]) for content in scene.got_up("a")]
    assert got != sorted(got)


def test_what_was_not_acknowledged_comes_again() -> None:
    scene = Scene()
    network = scene.network
    network.run()
    held: list[Incoming] = []
    network.coordinator.start(held.append)
    network.run()
    for incoming in held:
        network.coordinator.acknowledge(incoming)
    held.clear()
    scene.devices[0].send(b"one")
    scene.devices[0].send(b"two")
    network.run()
    network.coordinator.acknowledge(held[0])
    network.coordinator.close()
    scene.devices[0].send(b"three")
    network.run()
    assert not network.coordinator.is_connected()
    again: list[Incoming] = []
    network.coordinator.start(again.append)
    network.run()
    assert [m.content for m in again if m.channel == "up"] == [b"two", b"three"]
    assert [m.content for m in again if m.channel == "state"] == [b"state a", b"state b"]


def test_a_lost_device_leaves_its_will_and_gets_nothing() -> None:
    scene = Scene()
    device = scene.devices[0]
    scene.network.run()
    device.drop()
    device.send(b"not sent")
    scene.network.coordinator.send("a", b"not delivered")
    scene.network.run()
    assert scene.up[-1][1:] == ("a", "state", b"gone")
    assert scene.down == [] and scene.network.counts["undeliverable"] == 1
    scene.connect("a")
    scene.network.coordinator.send("a", b"delivered")
    scene.network.run()
    assert scene.up[-1][1:] == ("a", "state", b"state a")
    assert [content for *_, content in scene.down] == [b"delivered"]


def test_time_is_virtual() -> None:
    scene = Scene(Faults(delay=(5.0, 5.0)))
    assert scene.network.next_time() == 5.0
    assert scene.network.run(4.9) == 0 and scene.network.now == 4.9
    assert scene.network.run(5.0) == 2 and scene.network.next_time() is None
    scene.network.coordinator.send("nobody", b"x")
    assert scene.network.next_time() is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="probabilities"):
        Faults(loss=1.5)
    with pytest.raises(UsageError, match="delays"):
        Faults(delay=(2.0, 1.0))
    network = MemoryNetwork()
    network.device("a")
    with pytest.raises(UsageError, match="there already"):
        network.device("a")
