"""Devices with credentials of their own that attack the coordinator, over real brokers: refused and
counted, the service unharmed. Poisoned updates, under each strategy. Clocks that jump."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brokers import Broker
from ends import quick
from fleet_cli import RUN as LOOPED
from fleet_cli import begun, service
from mosquitto import FLEET
from support.fleet_world import COUNT, HASH, PythonDevice, World
from support.waiting import until

from tinylearn.fleet import messages as m
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Received
from tinylearn.fleet.records import Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.sqlite_store import SqliteStore
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import all_strategies, all_wrappers, find
from tinylearn.fleet.transports.mqtt import checked_url
from tinylearn.fleet.transports.mqtt_coordinator import MqttCoordinator
from tinylearn.fleet.transports.mqtt_device import MqttDevice

RUN = Run(7, "fed_avg", {"devices": 2}, 3, "net", HASH, 4 * COUNT, 4 * COUNT)


class Member(MqttDevice):
    """A device with credentials of its own; what it sends and hears is kept. It answers as
    ``device`` does, changed by ``lie``."""

    def __init__(self, broker: Broker, name: str, lie=lambda update: update) -> None:
        who = broker.credentials(name)
        broker.reload()
        super().__init__(checked_url(broker.url, who), FLEET, name, who, quick())
        self.device, self.lie = PythonDevice(name, 4096), lie
        self.updates: list[bytes] = []
        self.heard: list[m.Body] = []
        self.start(self.device.announce(), m.Gone(self.device.births).pack(), self._take)

    def _take(self, content: bytes) -> None:
        self.heard.append(m.unpack(content, m.DOWN))
        answer = self.device.take(content)
        if answer is not None and isinstance(m.unpack(answer, m.UP), m.Update):
            answer = self.lie(m.unpack(answer, m.UP)).pack()
            self.updates.append(answer)
        if answer is not None:
            self.send(answer)

    def verdicts(self, round_: int) -> list[m.Verdict]:
        return [b.verdict for b in self.heard if isinstance(b, m.Receipt) and b.round == round_]


class Scene:
    """A coordinator of a run with its store, stepped by hand."""

    def __init__(self, broker: Broker, folder: Path, rounds: int) -> None:
        self.broker = broker
        self.store = open_store(str(folder / "fleet.db"))
        self.store.create(RUN, np.zeros(COUNT, "<f4").tobytes())
        who = broker.credentials()
        transport = MqttCoordinator(checked_url(broker.url, who), FLEET, who, quick())
        config = Config(rounds=rounds, deadline=20, retry=0.2, least_devices=2)
        self.service = Service(self.store, transport, RUN, find(RUN.strategy, RUN.parameters),
                               config, bytes)  # fmt: skip
        self.service.start()
        self.members: list[Member] = []

    def member(self, name: str, **options) -> Member:
        self.members.append(Member(self.broker, name, **options))
        return self.members[-1]

    def count(self, what: str) -> int:
        return self.service.counters[what]

    def step_until(self, condition) -> None:
        until(lambda: self.service.step() or condition())

    def finish(self) -> None:
        self.step_until(lambda: self.service.is_done)

    def close(self) -> None:
        for member in self.members:
            member.close()
        self.service.transport.close()
        self.store.close()


@pytest.fixture
def scene(broker: Broker, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(broker, tmp_path, rounds=3)
    yield scene
    scene.close()


def test_a_replayed_update_is_counted_and_not_aggregated(scene: Scene) -> None:
    first, _ = scene.member("d0"), scene.member("d1")
    scene.finish()
    before = scene.store.head(RUN.id)
    first.send(first.updates[0])
    scene.step_until(lambda: scene.count("duplicate") == 1)
    assert scene.store.head(RUN.id) == before
    assert scene.service.machine.roster.get("d0").strikes == 0


def test_an_update_replayed_by_another_device_is_foreign(scene: Scene) -> None:
    """While its round is open, and its device has reported."""
    holding = [True]
    first = scene.member("d0")
    second = scene.member("d1")
    send = second.send
    second.send = lambda content: None if holding[0] else send(content)  # type: ignore[method-assign]
    scene.step_until(lambda: scene.count("updates accepted") == 1)
    thief = scene.member("thief")
    scene.step_until(lambda: "thief" in scene.service.machine.roster.devices)
    thief.send(first.updates[0])
    scene.step_until(lambda: scene.count("updates foreign") == 1)
    scene.step_until(lambda: thief.verdicts(1) == [m.Verdict.FOREIGN])
    thief.send(replace(m.unpack(first.updates[0], m.UP), run=8).pack())
    scene.step_until(lambda: scene.count("updates foreign") == 2)
    holding[0] = False
    scene.finish()
    assert [v.reports for v in scene.store.lineage(RUN.id)] == [0, 2, 2, 2]


def test_a_receipt_upwards_is_malformed(scene: Scene) -> None:
    forger = scene.member("d0")
    scene.member("d1")
    forger.send(m.Receipt(RUN.id, 1, 0, m.Verdict.ACCEPTED).pack())
    scene.step_until(lambda: scene.count("malformed") == 1)
    scene.finish()
    assert scene.service.machine.roster.get("d0").strikes == 1


LIES = {
    "NaN": lambda u: _told(u, np.full(COUNT, np.nan, "<f4").tobytes()),
    "huge": lambda u: _told(u, np.full(COUNT, 1e9, "<f4").tobytes()),
    "another model": lambda u: _told(u, bytes(8 * COUNT)),
    "larger than any": lambda u: replace(u, total=0xFFFFFFFF),
    "wrong CRC": lambda u: replace(u, crc=u.crc ^ 1),
}


def _told(update: m.Update, stream: bytes) -> m.Update:
    return replace(update, total=len(stream), crc=zlib.crc32(stream), data=stream)


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_is_struck_and_the_round_goes_on(scene: Scene, lie: str) -> None:
    liar = scene.member("liar", lie=LIES[lie])
    for name in ("d0", "d1"):
        scene.member(name)
    scene.finish()
    told = len(liar.updates)
    struck = scene.service.machine.roster.get("liar").strikes
    assert struck >= min(told, 1) and scene.count("updates refused") == struck
    head = np.frombuffer(scene.store.head(RUN.id).weights or b"", "<f4")
    assert np.isfinite(head).all() and np.abs(head).max() < 100
    assert len(list(scene.store.lineage(RUN.id))) == 4


def test_a_device_of_another_model_is_not_asked(scene: Scene) -> None:
    other = scene.member("other")
    announced = m.unpack(other.device.announce(), m.UP)
    other.announce(replace(announced, model_hash=bytes(16)).pack())
    scene.step_until(lambda: scene.count("foreign") >= 1)
    for name in ("d0", "d1"):
        scene.member(name)
    scene.finish()
    assert scene.count("foreign") >= 1 and other.updates == []


def test_a_flood_of_rubbish_leaves_a_bounded_trace(scene: Scene) -> None:
    flooder = scene.member("flooder")
    sent = 1500
    for number in range(sent):
        flooder.send(b"rubbish" + number.to_bytes(4, "little"))
        if number % 50 == 49:
            scene.step_until(lambda at=number: scene.count("malformed") >= at - 25)
    scene.step_until(lambda: scene.count("malformed") == sent)
    for name in ("d0", "d1"):
        scene.member(name)
    scene.finish()
    entries = [e for _, _, e in scene.store.history(RUN.id) if e.device == "flooder"]
    assert 0 < len(entries) <= 100
    assert "flooder" not in scene.service.machine.roster.draw(9, 1, set())
    assert set(scene.store.devices(RUN.id)) == {"flooder", "d0", "d1"}


# ---- poisoning ----


class Poisoner(PythonDevice):
    """Pulls the other way, ``size`` times as hard."""

    size = 8.0

    def moves(self, round_: int) -> np.ndarray:
        return np.full(COUNT, -self.size, np.float32)


class HonestDevice(PythonDevice):
    """All move alike, up to some noise."""

    def moves(self, round_: int) -> np.ndarray:
        return (1 + 0.1 * super().moves(round_)).astype(np.float32)


def poisoned(strategy: str, size: float) -> np.ndarray:
    """The weights after some rounds of ten devices, one of which lies; the honest ones move every
    weight by about 1 a round."""
    asked = {"devices": 10} if "devices" in find(strategy, {}).parameters() else {}
    world = World(devices=10, strategy=strategy, parameters=asked, config=Config(
        rounds=12, deadline=1e5, norm_factor=10, least_share=0.5, most_strikes=10))  # fmt: skip
    world.wire.clear()
    for name in world.devices:
        world.devices[name] = HonestDevice(name)
    liar = world.devices["d3"] = Poisoner("d3")
    liar.size = size
    world.start()
    return np.frombuffer(world.run(), "<f4")


ALONE = [kind.name for kind in all_strategies()]
ROBUST = [f"{kind.name}:fed_avg" for kind in all_wrappers()]


@pytest.mark.parametrize("strategy", ALONE + ROBUST)
@pytest.mark.parametrize("size", [1e3, 1e30, float("nan")])
def test_gross_poison_of_a_tenth_does_nothing(strategy: str, size: float) -> None:
    final = poisoned(strategy, size)
    assert np.isfinite(final).all() and final.min() > 0 and final.max() < 30


@pytest.mark.parametrize("strategy", ROBUST)
def test_poison_that_looks_usual_is_outvoted_by_robust_aggregation(strategy: str) -> None:
    """Within the bound of the norm no guard sees it; a mean is drawn to the other side."""
    plain, robust = poisoned("fed_avg", 8.0), poisoned(strategy, 8.0)
    assert robust.mean() > 10 and plain.mean() < 0.5 * robust.mean()


# ---- clocks ----


def test_nothing_depends_on_the_wall_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It jumps by years, back and forth, at each look; only the log's times are its."""
    finals, jumps, even = [], random.Random(1), time.time
    for place, clock in (("even.db", even), ("jumping.db", lambda: jumps.uniform(0, 4e9))):
        monkeypatch.setattr(time, "time", clock)
        begun(str(tmp_path / place))
        store = SqliteStore(str(tmp_path / place), clock=clock)
        store.request(LOOPED.id, '{"do": "restore", "version": 1}')
        served = service(store, rounds=20, run=LOOPED)
        served.serve(until_done=True)
        finals.append([version.crc for version in store.lineage(LOOPED.id)])
        assert served.counters["rounds closed"] == 20 and not store.requests(LOOPED.id)
        store.close()
    assert finals[0] == finals[1]


def test_a_gateway_whose_clock_was_set_back_comes_and_goes() -> None:
    """Births are seconds of its clock: lower ones than before are as good."""
    world = World(devices=1, config=Config(rounds=9))
    announced = m.unpack(world.devices["d0"].announce(), m.UP)
    said = [replace(announced, births=2_000_000_000), m.Gone(2_000_000_000),
            replace(announced, births=1_000_000_000), m.Gone(1_000_000_000),
            replace(announced, births=1_000_000_060)]  # fmt: skip
    online = []
    for body in said:
        world.machine.handle(Received("d0", "state", body.pack()), 0.0)
        online.append(world.machine.roster.get("d0").online)
    assert online == [True, False, True, False, True]
