"""The registry is told of each device's newest state, and tells who may learn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.fleet_world import COUNT, HASH
from support.waiting import until

from tinylearn.errors import BadInputError, DeviceError
from tinylearn.fleet.config import Config
from tinylearn.fleet.events import Chosen
from tinylearn.fleet.messages import Capability, Encoding
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Device,
    KeptUpdate,
    PutDevice,
    Run,
    Version,
)
from tinylearn.fleet.registering import Registering
from tinylearn.fleet.roster import Roster
from tinylearn.fleet.thing import FleetDevice, Follower, thing_of, with_updates

DEVICE = Device("press-7", HASH, Capability.LEARN, 4096, 18_000, 4 * COUNT, 3, True, 12, ("hall",))
UPDATE = KeptUpdate(40, "press-7", 1, Encoding.WEIGHTS, 32, 0.25, 1.0, b"much")


class Fake:
    """A registry that keeps what it is told, while ``error`` is None."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.chosen, self.error, self.asked = frozenset[str](), None, list[str]()
        self.closed, self.refused = threading.Event(), frozenset[str]()

    def put(self, things: Sequence[dict[str, Any]]) -> None:
        self._fail()
        if any(thing["title"] in self.refused for thing in things):
            raise BadInputError("no thing of that name")
        self.told |= {thing["id"]: thing for thing in things}

    def names(self, query: str) -> frozenset[str]:
        self._fail()
        self.asked.append(query)
        return self.chosen

    def close(self) -> None:
        self.closed.set()

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def begun(fake: Fake, request: pytest.FixtureRequest) -> Callable[..., Registering]:
    def begin(query: str | None = None, devices: Sequence[Device] = ()) -> Registering:
        found = Registering(
            fake, "works", 7, with_updates({d.name: d for d in devices}, {}), query, seconds=0.01
        )
        found.start()
        request.addfinalizer(found.close)
        return found

    return begin


def test_a_device_as_a_thing() -> None:
    thing = thing_of(FleetDevice(DEVICE, UPDATE), "works", 7)
    assert thing["id"] == "urn:tinylearn:fleet:works:press-7"
    said = {key.removeprefix("tl:"): value for key, value in thing.items() if key[:3] == "tl:"}
    assert said == {
        "fleet": "works", "fleetName": "press-7", "online": True, "evicted": False,
        "freeRamBytes": 18_000, "frameBytes": 4096, "modelHash": HASH.hex(), "modelVersion": 12,
        "starts": 3, "tag": ["hall"], "run": 7, "lastRound": 40, "lastSamples": 32, "lastLoss": 0.25,
    }  # fmt: skip


def test_a_loss_that_is_no_number_is_not_told() -> None:
    thing = thing_of(FleetDevice(DEVICE, replace(UPDATE, loss=float("nan"))), "works", 7)
    assert "tl:lastLoss" not in thing and thing["tl:lastRound"] == 40


def test_the_newest_state_of_each_device_is_taken_once() -> None:
    follower = Follower()
    later = replace(DEVICE, online=False)
    version = AddVersion(Version(13, 12, 40, 0, 1))
    follower.follow([PutDevice(DEVICE), AddUpdate(UPDATE), PutDevice(later), version])
    (taken,) = follower.take(10)
    assert taken == FleetDevice(later, replace(UPDATE, stream=b"")) and follower.head == 13
    assert follower.take(10) == []
    follower.again([taken])
    assert follower.take(10) == [taken]


def test_what_changes_is_told_and_what_was_there_at_the_start(fake, begun) -> None:
    registering = begun(devices=[replace(DEVICE, name="old")])
    registering.changed([PutDevice(DEVICE)])
    until(lambda: len(fake.told) == 2)
    assert set(fake.told) == {"urn:tinylearn:fleet:works:old", "urn:tinylearn:fleet:works:press-7"}


def test_an_absent_registry_is_told_later(fake, begun) -> None:
    registering = begun()
    fake.error = DeviceError("nobody there")
    registering.changed([PutDevice(DEVICE)])
    until(lambda: registering._wait > 0.05)
    fake.error = None
    until(lambda: fake.told)
    registering.changed([PutDevice(replace(DEVICE, deployed=13))])
    until(lambda: fake.told["urn:tinylearn:fleet:works:press-7"]["tl:modelVersion"] == 13)


def test_what_is_left_to_tell_is_told_at_the_end(fake) -> None:
    registering = Registering(fake, "works", 7, {}, seconds=60.0)
    registering.start()
    registering.changed([PutDevice(DEVICE)])
    registering.close()
    assert len(fake.told) == 1 and fake.closed.is_set()


def test_a_wrong_query_is_known_at_once(fake) -> None:
    fake.error = BadInputError("no query")
    registering = Registering(fake, "works", 7, {}, "SELECT", seconds=60.0)
    with pytest.raises(BadInputError, match="no query"):
        registering.start()


def test_what_the_first_query_raises_is_not_hidden_by_closing(fake) -> None:
    fake.error = DeviceError("nobody there")
    registering = Registering(fake, "works", 7, {}, "SELECT", seconds=60.0)
    with pytest.raises(DeviceError, match="nobody there"), contextlib.closing(registering):
        registering.start()
    assert fake.closed.is_set()


def test_a_device_that_is_refused_does_not_hide_the_others(fake, begun) -> None:
    fake.refused = frozenset({"a0"})
    begun(devices=[replace(DEVICE, name=f"a{i}") for i in range(9)])
    until(lambda: len(fake.told) == 8)


def test_a_mistake_does_not_end_the_telling(fake, begun, caplog) -> None:
    fake.error = ValueError("a mistake in the registry")
    begun(devices=[DEVICE])
    until(lambda: any(record.exc_info for record in caplog.records))
    fake.error = None
    until(lambda: fake.told)


def test_who_has_waited_longest_is_told_first() -> None:
    """Not by name: where all change faster than they are told, the last would never be."""
    follower = Follower({name: FleetDevice(replace(DEVICE, name=name)) for name in "ab"})
    follower.follow([PutDevice(replace(DEVICE, name="c"))])
    assert [known.device.name for known in follower.take(1)] == ["a"]
    follower.follow([PutDevice(replace(DEVICE, name=name, deployed=13)) for name in "ab"])
    taken = follower.take(3)
    assert [(k.device.name, k.device.deployed) for k in taken] == [("b", 13), ("c", 12), ("a", 13)]


def test_a_registry_that_is_always_behind_is_asked_all_the_same(fake) -> None:
    """Each time it is told of a device, that device changes again."""
    registering = Registering(
        fake, "works", 7, {"press-7": FleetDevice(DEVICE)}, "SELECT", seconds=0.01
    )
    put = fake.put

    def busy(things: Sequence[dict[str, Any]]) -> None:
        put(things)
        if not registering._closing.is_set():
            registering.changed([PutDevice(DEVICE)])

    fake.put = busy
    registering.start()
    until(lambda: len(fake.asked) > 3)
    registering.close()


def test_a_registry_that_hangs_is_not_closed_under_its_thread(fake, monkeypatch) -> None:
    monkeypatch.setattr("tinylearn.fleet.registering._CLOSE_SECONDS", 0.05)
    go_on, hangs = threading.Event(), threading.Event()

    def hang(things: Sequence[dict[str, Any]]) -> None:
        hangs.set()
        go_on.wait(60)

    fake.put = hang
    registering = Registering(fake, "works", 7, {"press-7": FleetDevice(DEVICE)}, seconds=0.01)
    registering.start()
    assert hangs.wait(60)
    registering.close()
    assert not fake.closed.is_set()
    go_on.set()
    registering._thread.join(60)


def test_who_may_learn_is_told_where_it_has_changed(fake, begun) -> None:
    fake.chosen = frozenset({"a"})
    registering = begun("SELECT ?name {}")
    assert registering.choice() == Chosen(frozenset({"a"}))
    assert registering.choice() is None
    fake.chosen = frozenset({"a", "b"})
    found = []
    until(lambda: found.append(registering.choice()) or found[-1])
    assert found[-1] == Chosen(frozenset({"a", "b"}))


def test_nobody_is_chosen_without_a_query(begun) -> None:
    assert begun().choice() is None


def test_only_the_chosen_are_eligible() -> None:
    run = Run(1, "fed_avg", {}, 3, "net", HASH, 4 * COUNT, 4 * COUNT)
    devices = {name: replace(DEVICE, name=name) for name in "abc"}
    roster = Roster(run, Config(), devices, Capability.LEARN)
    roster.choose(frozenset("bcx"))
    assert roster.eligible() == ["b", "c"]
    roster.put(replace(DEVICE, name="x"))
    assert roster.eligible() == ["b", "c", "x"]
    roster.choose(None)
    assert roster.eligible() == ["a", "b", "c", "x"]


def test_a_query_that_selects_nobody_is_told(
    fake: Fake, begun: Callable[..., Registering], caplog: pytest.LogCaptureFixture
) -> None:
    begun("SELECT")
    assert "selects no device" in caplog.text
    caplog.clear()
    fake.chosen = frozenset({"press-7"})
    until(lambda: fake.asked.count("SELECT") > 3, 10)
    assert "selects no device" not in caplog.text
    fake.chosen = frozenset()
    until(lambda: "selects no device" in caplog.text, 10)
