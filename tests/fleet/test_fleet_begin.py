"""Beginning a run or going on with one, and an operator's hold on it."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fleet_cli import RUN, begun
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.errors import BadInputError, DeviceError, UnsupportedError, UsageError
from tinylearn.fleet.begin import Wanted, begin, config_of, shards_of
from tinylearn.fleet.broker_choice import BrokerChoice, opened_broker, place_of
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import FleetModel
from tinylearn.fleet.records import Device as Known
from tinylearn.fleet.records import DropRequest, Log, PutDevice, PutRound, PutState, Round
from tinylearn.fleet.run_handle import RunHandle
from tinylearn.fleet.serving import _tell
from tinylearn.fleet.shards import Shard, shard_of
from tinylearn.fleet.store import StoreError, open_store

TENSORS = (("a", 0, 4), ("b", 16, 2), ("c", 24, 1))
MODEL = FleetModel("net", bytes(16), TENSORS, bytes(28))


def started(store, wanted: Wanted, model: FleetModel = MODEL, shard: Shard | None = None):
    return begin(store, "x.db", model, Path("p"), wanted, shard or Shard())


@pytest.fixture
def store(place: str):
    opened = open_store(place)
    yield opened
    opened.close()


# ---- a new run ----


def test_a_new_run_is_what_was_asked_for(store) -> None:
    wanted = Wanted("reptile", {"devices": "3"}, {"rounds": 40, "tags": ("a",)}, seed=5)
    made = started(store, wanted)
    assert not made.resumed and made.config == Config(rounds=40, tags=("a",))
    assert made.run.parameters["devices"] == 3 and made.run.seed == 5
    assert made.run.parameters["rounds"] == 40, "a schedule ends with the last round"
    assert store.runs() == [made.run]
    assert config_of(store.load(made.run.id, own=False).states, "x") == made.config


def test_a_schedule_may_end_elsewhere(store) -> None:
    made = started(store, Wanted("reptile", {"rounds": "7"}, {"rounds": 40}))
    assert made.run.parameters["rounds"] == 7 and made.config.rounds == 40


def test_the_local_part_is_not_exchanged(store) -> None:
    made = started(store, Wanted("tiny_meta_fed", {"local_tensors_kept": "2"}))
    assert (made.run.exchanged_bytes, made.run.weights_bytes) == (16, 28)


def test_nothing_is_begun_where_something_is_wrong(store) -> None:
    with pytest.raises(UsageError, match="--strategy"):
        started(store, Wanted())
    with pytest.raises(UnsupportedError, match="reptil"):
        started(store, Wanted("reptil"))
    with pytest.raises(UsageError, match="deadline"):
        started(store, Wanted("reptile", {}, {"deadline": 1e9}))
    assert store.runs() == []


# ---- the one that is there ----


def test_a_run_goes_on_as_it_was(store) -> None:
    first = started(store, Wanted("reptile", {"devices": "3"}, {"rounds": 40, "retry": 9.0}, 5))
    same = started(store, Wanted())
    assert same.resumed and same.run == first.run and same.config == first.config
    assert same.strategy == first.strategy
    longer = started(store, Wanted("reptile", {"devices": "3"}, {"rounds": 50}))
    assert longer.config == replace(first.config, rounds=50)
    assert started(store, Wanted()).config.rounds == 50, "settings stay"


@pytest.mark.parametrize(("strategy", "warned"), [("reptile", True), ("fed_avg", False)])
def test_rounds_that_a_schedule_does_not_reach_are_told(
    strategy: str, warned: bool, store, caplog
) -> None:
    """They were carried out, and not a weight moved."""
    broker = SimpleNamespace(embedded=False, fleet="fleet", url="mqtt://localhost")
    for rounds, after in ((4, False), (9, warned)):
        caplog.clear()
        _tell(None, started(store, Wanted(strategy, {}, {"rounds": rounds})), broker, "x.db")
        said = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
        assert ["ends with round 4:" in text for text in said] == [True] * after


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted("fed_avg"), "has strategy reptile, not fed_avg; --new"),
        (Wanted(None, {"devices": "4"}), "has devices 3, not 4; --new"),
        (Wanted(None, {}, {}, 6), "has seed 5, not 6; --new"),
        (Wanted(run=1), "holds no run 1; there are"),
        (Wanted(None, {"devises": "4"}), "did you mean devices"),
    ],
)
def test_another_run_than_the_one_that_is_there(store, wanted: Wanted, told: str) -> None:
    started(store, Wanted("reptile", {"devices": "3"}, {}, 5))
    with pytest.raises(UsageError, match=told):
        started(store, wanted)


def test_another_model_is_another_run(store) -> None:
    first = started(store, Wanted("reptile"))
    other = replace(MODEL, hash=bytes(15) + b"\1")
    with pytest.raises(UsageError, match=r"learns model net .* --new begins another run"):
        started(store, Wanted(), other)
    second = started(store, Wanted("reptile", new=True), other)
    assert {run.id for run in store.runs()} == {first.run.id, second.run.id}
    assert started(store, Wanted(), other).run == second.run, "the newest"
    assert started(store, Wanted(run=first.run.id)).run == first.run


def test_a_run_that_is_served_is_not_served_twice(store, place: str) -> None:
    started(store, Wanted("reptile"), shard=Shard(0, 2))
    other = open_store(place)
    with pytest.raises(StoreError, match="another coordinator"):
        started(other, Wanted(), shard=Shard(0, 2))
    assert started(other, Wanted(), shard=Shard(1, 2)).resumed
    other.close()


@pytest.mark.parametrize(("shard", "then"), [(Shard(), Shard(1, 2)), (Shard(1, 2), Shard()),
                                             (Shard(0, 2), Shard(2, 3))])  # fmt: skip
def test_coordinators_that_serve_agree_on_how_many_they_are(
    store, place: str, shard: Shard, then: Shard
) -> None:
    """Else a device would be looked after by two of them, or by none."""
    run = started(store, Wanted("reptile"), shard=shard).run
    other = open_store(place)
    told = f"run {run.id} is shared among {shard.count} coordinators, not {then.count}"
    with pytest.raises(UsageError, match=told):
        started(other, Wanted(), shard=then)
    other.close()
    store.close()
    after = open_store(place)
    assert started(after, Wanted(), shard=then).run == run
    assert shards_of(after.load(run.id, own=False).states) == then.count
    after.close()


def test_rounds_of_parts_that_are_no_more_are_void(store, place: str) -> None:
    run = started(store, Wanted("reptile"), shard=Shard(0, 3)).run.id
    rounds = [PutRound(Round(1, 1, ("a",))), PutRound(Round(2, 1, ("b",), open=False))]
    for number in range(3):
        store.commit(run, rounds, number)
    store.close()
    after = open_store(place)
    started(after, Wanted(), shard=Shard(0, 2))
    left = [set(after.load(run, n, 3, own=False).open_rounds) for n in range(3)]
    assert left == [{1}, {1}, set()]
    assert [entry.what for *_, entry in after.history(run)] == ["void"]
    after.close()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"round": 1}', '{"tags": 3}', '{"rounds": "x"}'])
def test_damaged_settings_are_told(text: str) -> None:
    with pytest.raises((BadInputError, UsageError)):
        config_of({"config": text}, "x.db: run 7")


@pytest.mark.parametrize(("text", "count"), [("2", 2), ("0", 1), ("x", 1), ("-3", 1), ("²", 1)])
def test_how_many_share_a_run(text: str, count: int) -> None:
    assert shards_of({"shards": text}) == count
    assert shards_of({}) == 1


@given(st.text(min_size=1, max_size=20), st.integers(1, 9))
def test_every_device_is_in_one_shard(name: str, count: int) -> None:
    assert [Shard(i, count).has(name) for i in range(count)].count(True) == 1
    assert Shard(shard_of(name, count), count).has(name)


# ---- an operator's hold on it ----


class Clock:
    """Time passes by sleeping alone; ``at`` does something at a time."""

    def __init__(self) -> None:
        self.now, self.at = 0.0, dict[float, object]()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for time in sorted(time for time in self.at if time <= self.now):
            self.at.pop(time)()


@pytest.fixture
def handle(place: str):
    begun(place)
    store, clock = open_store(place), Clock()
    yield RunHandle(store, "fleet.db", clock=clock, sleep=clock.sleep)
    store.close()


def answers(handle: RunHandle, what: str = "request", reason: str = "") -> None:
    """As a coordinator does."""
    for number, text in handle.store.requests(RUN.id):
        entry = Log(what, 0, "", f"{json.loads(text)}{reason}")
        handle.store.commit(RUN.id, [entry, DropRequest(number)])


def test_a_command_that_is_carried_out(handle: RunHandle) -> None:
    handle._clock.at[0.25] = lambda: answers(handle)
    assert handle.ask({"do": "pause"}, 5.0) is True
    assert handle._clock.now < 1


def test_a_command_that_is_refused(handle: RunHandle) -> None:
    handle._clock.at[0.25] = lambda: answers(handle, "bad request", ": no device x")
    with pytest.raises(UsageError, match=r"evict: the coordinator refuses it: no device x$"):
        handle.ask({"do": "evict", "device": "x"}, 5.0)


def test_a_command_that_nobody_takes(handle: RunHandle) -> None:
    with pytest.raises(DeviceError, match=r"within 2 s; the request waits.* serves run 7$"):
        handle.ask({"do": "pause"}, 2.0)
    assert len(handle.store.requests(RUN.id)) == 1


def test_commands_for_several_coordinators(handle: RunHandle) -> None:
    handle.store.commit(RUN.id, [PutState("shards", "3")])

    def asked(**command) -> list[int]:
        handle.ask(command, 0)
        waiting = handle.store.requests(RUN.id)
        handle.store.commit(RUN.id, [DropRequest(number) for number, _ in waiting])
        return [json.loads(text)["shard"] for _, text in waiting]

    assert asked(do="pause") == [0, 1, 2]
    assert asked(do="restore", version=1) == [0]
    assert asked(do="evict", device="d1") == [shard_of("d1", 3)]
    handle._clock.at[0.5] = lambda: answers(handle)
    assert handle.ask({"do": "resume"}, 5.0) is True


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 100])
def test_the_last_entries(handle: RunHandle, count: int) -> None:
    handle.store.commit(RUN.id, [Log("x", n) for n in range(1, count + 1)])
    assert handle.last_entry() == count
    for most in (1, 5, 1000):
        rounds = [entry.round for _, _, entry in handle.history(most)]
        assert rounds == list(range(1, count + 1))[-most:]


def test_the_last_entries_among_those_of_another_run(handle: RunHandle) -> None:
    other = replace(RUN, id=9)
    handle.store.create(other, bytes(RUN.exchanged_bytes))
    for n in range(40):
        handle.store.commit(9, [Log("theirs")])
        if n % 10 == 0:
            handle.store.commit(RUN.id, [Log("ours", n)])
    handle.run = RUN
    assert [entry.round for _, _, entry in handle.history(3)] == [10, 20, 30]


def test_following_the_log(handle: RunHandle) -> None:
    follow = handle.follow(0)
    handle._clock.at[0.3] = lambda: handle.store.commit(RUN.id, [Log("later")])
    handle.store.commit(RUN.id, [Log("first")])
    assert [next(follow)[2].what, next(follow)[2].what] == ["first", "later"]


def test_a_device_must_be_known(handle: RunHandle) -> None:
    handle.store.commit(RUN.id, [PutDevice(Known("d1"))])
    assert handle.device("d1").name == "d1"
    with pytest.raises(UsageError, match="does not know it"):
        handle.device("d2")


# ---- brokers ----


def test_what_is_not_said_is_in_the_credentials(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("TINYLEARN_MQTT_USER", raising=False)
    with pytest.raises(UsageError, match="which broker"):
        place_of(None, None, None)
    assert place_of("mqtt://h", None, None) == place_of("mqtt://h", "fleet", None)
    monkeypatch.setenv("TINYLEARN_MQTT_USER", "d1")
    monkeypatch.setenv("TINYLEARN_MQTT_PASSWORD", "secret")
    place = place_of("mqtt://localhost", "lab", None)
    assert place.fleet == "lab" and place.credentials.user == "d1" and "secret" not in repr(place)


def test_the_embedded_broker_is_that_of_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("amqtt")
    from tinylearn.fleet.broker.config import write_broker_config

    write_broker_config(tmp_path / "b", "lab")
    for choice, match in (
        (BrokerChoice(fleet="hall", folder=tmp_path / "b"), "of fleet lab, not hall"),
        (BrokerChoice(folder=tmp_path / "b", port=9000), "at port 8883, .* not 9000"),
    ):
        with pytest.raises(UsageError, match=match), opened_broker(choice):
            pass
    with pytest.raises(UsageError, match="give --broker"), opened_broker(BrokerChoice(), 0, 2):
        pass
    assert not [t for t in threading.enumerate() if t.name == "embedded broker"]


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path, caplog) -> None:
    pytest.importorskip("amqtt")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        choice = BrokerChoice(folder=tmp_path / "b", port=taken.getsockname()[1])
        with (
            pytest.raises(DeviceError, match=r"cannot listen at .*in use.*--broker-dir"),
            opened_broker(choice),
        ):
            pass
    assert not caplog.records
