"""What every store promises, on every database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.fleet_records import (
    a_run,
    add_versions,
    sequential_round,
    update,
    version,
    weights,
)

from tinylearn.errors import UsageError
from tinylearn.fleet.messages import Capability, Encoding
from tinylearn.fleet.records import (
    AddUpdate,
    AddVersion,
    Change,
    Device,
    DropRequest,
    KeptUpdate,
    Log,
    PutDevice,
    PutRollout,
    PutRound,
    PutState,
    Rollout,
    Round,
)
from tinylearn.fleet.store import (
    DuplicateUpdateError,
    HeadMovedError,
    Store,
    StoreError,
    open_store,
)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    """Opened, with run 1."""
    opened = open_store(place)
    opened.create(a_run(), weights(1))
    yield opened
    opened.close()


def kept(store: Store, last: int, run: int = 1) -> set[int]:
    """Versions whose weights are there."""
    found = set()
    for number in range(1, last + 1):
        try:
            assert store.weights(run, number) == weights(number)
            found.add(number)
        except UsageError as error:
            if "no longer kept" not in str(error):
                raise
    return found


# ---- runs ----


def test_a_new_run_has_its_initial_weights_as_version_1(store: Store) -> None:
    saved = store.load(1)
    assert saved.run == a_run()
    assert saved.head == version(1, reports=0)
    assert saved.open_rounds == {} and saved.updates == [] and saved.last_round == 0
    assert list(store.lineage(1)) == [replace(version(1, reports=0), weights=None)]


def test_runs_are_listed_in_the_order_of_their_creation(store: Store) -> None:
    last = a_run(0xFFFFFFFF, seed=2**63 - 1, parameters={"b": [1, None], "a": "ä"})
    store.create(a_run(0), weights(1))
    store.create(last, weights(1))
    assert store.runs() == [a_run(1), a_run(0), last]


def test_a_second_run_of_the_same_id_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="run 1 is there already"):
        store.create(a_run(strategy="fed_avg"), weights(1))
    assert store.runs() == [a_run()]


@pytest.mark.parametrize("run", [a_run(2, seed=2**63), a_run(2, seed=-1)])
def test_a_seed_that_does_not_fit_is_refused(store: Store, run) -> None:
    with pytest.raises(UsageError, match="seed"):
        store.create(run, weights(1))


def test_initial_weights_of_another_size_are_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="16 bytes"):
        store.create(a_run(2), weights(1)[:-1])
    assert store.runs() == [a_run()]


def test_an_unknown_run_is_the_users_mistake(store: Store) -> None:
    for call in (store.load, store.head, store.devices):
        with pytest.raises(UsageError, match="no run 9"):
            call(9)
    for iterate in (store.lineage, store.history):
        with pytest.raises(UsageError, match="no run 9"):
            list(iterate(9))
    with pytest.raises(UsageError, match="no run 9"):
        store.commit(9, [Log("x")])
    with pytest.raises(UsageError, match="no run 9"):
        store.request(9, "{}")
    with pytest.raises(UsageError, match="no run 9"):
        store.weights(9, 1)
    with pytest.raises(UsageError, match="no version 5"):
        store.weights(1, 5)


# ---- commits ----

DEVICE = Device(
    name="board-1",
    model_hash=bytes(range(16)),
    capabilities=Capability.LEARN | Capability.SPARSE,
    frame_bytes=256,
    free_ram=0xFFFFFFFF,
    weights_bytes=24,
    births=3,
    online=True,
    deployed=1,
    tags=("hall", "äöü"),
    strikes=2,
    isolated_until=7,
    paused=True,
    pinned=1,
    evicted=True,
)
ROLLOUT = Rollout(1, 0, (0.1, 0.5, 1.0), 1, "paused", 0.125, ("a", "b"), ("c",))
EVERYTHING: list[Change] = [
    PutRound(Round(1, 1, ("board-1", "board-2"))),
    AddUpdate(update(1, "board-1", stream=b"\0\xff123", attempt=4)),
    PutDevice(DEVICE),
    PutRollout(ROLLOUT),
    PutState("paused", "yes"),
    Log("began", 1, "board-1", "a line: 100 % ?"),
]


def test_everything_comes_back_after_closing(store: Store, place: str) -> None:
    store.commit(1, EVERYTHING)
    store.close()
    again = open_store(place, create=False)
    saved = again.load(1)
    assert saved.open_rounds == {1: Round(1, 1, ("board-1", "board-2"))}
    assert saved.bases == {1: version(1, reports=0)}
    assert saved.updates == [update(1, "board-1", stream=b"\0\xff123", attempt=4)]
    assert saved.devices == again.devices(1) == {"board-1": DEVICE}
    assert saved.rollouts == [ROLLOUT]
    assert saved.states == {"paused": "yes"}
    assert (saved.norms, saved.reported, saved.last_round) == ([1.5], {(1, "board-1")}, 1)
    again.close()


def test_puts_replace(store: Store) -> None:
    store.commit(1, EVERYTHING)
    device, rollout = replace(DEVICE, online=False, tags=()), replace(ROLLOUT, state="aborted")
    store.commit(1, [PutDevice(device), PutRollout(rollout), PutState("paused", "")])
    store.commit(1, [PutRound(Round(1, 1, ("board-1",), open=False, version=9))])
    saved = store.load(1)
    assert (saved.devices, saved.rollouts) == ({"board-1": device}, [rollout])
    assert (saved.states, saved.open_rounds, saved.last_round) == ({"paused": ""}, {}, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e-45, 3.4e38])
def test_floats_come_back_as_they_were(store: Store, value: float) -> None:
    kept_update = KeptUpdate(1, "a", 1, Encoding.SPARSE_DELTA, 1, value, value, b"x")
    store.commit(1, [PutRound(Round(1, 1, ("a",))), AddUpdate(kept_update)])
    saved = store.load(1)
    assert repr(saved.updates) == repr([kept_update])
    assert repr(saved.norms) == repr([value])


def test_versions_move_the_head(store: Store) -> None:
    store.commit(1, [AddVersion(version(2)), AddVersion(replace(version(5, 2), note="by hand"))])
    assert store.head(1) == replace(version(5, 2), note="by hand")
    assert [(v.number, v.parent, v.note) for v in store.lineage(1)] == [
        (1, 0, ""),
        (2, 1, ""),
        (5, 2, "by hand"),
    ]


def test_a_version_drops_the_streams_of_its_round_alone(store: Store) -> None:
    rounds = [PutRound(Round(number, 1, ("a", "b"))) for number in (1, 2)]
    store.commit(1, [*rounds, AddUpdate(update(1, "a", b"A")), AddUpdate(update(2, "b", b"B"))])
    store.commit(1, [AddVersion(version(2, round_=1))])
    assert store.load(1).updates == [update(1, "a"), update(2, "b", b"B")]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([AddVersion(version(3, 2))], HeadMovedError),
        ([AddVersion(version(2)), AddVersion(version(3, 1))], HeadMovedError),
        ([AddVersion(version(1, 1))], UsageError),
        ([AddVersion(replace(version(2), weights=None))], UsageError),
        ([AddVersion(replace(version(2), weights=bytes(17)))], UsageError),
        ([AddVersion(replace(version(2), crc=1))], UsageError),
        ([AddUpdate(update(1, "a"))], DuplicateUpdateError),
        ([AddUpdate(update(1, "a", attempt=2))], DuplicateUpdateError),
        ([AddUpdate(update(1, "b")), AddUpdate(update(1, "b"))], DuplicateUpdateError),
        ([AddUpdate(update(77, "b"))], StoreError),
        ([PutRound(Round(2, 77, ()))], HeadMovedError),
        ([PutRound(Round(2, 77, (), open=False))], StoreError),
        ([PutDevice(replace(DEVICE, births=2**64))], StoreError),
        ([PutState("key", "\ud800")], StoreError),
    ],
)
def test_a_commit_that_fails_changes_nothing(
    store: Store, wrong: list[Change], error: type[Exception]
) -> None:
    store.commit(1, [PutRound(Round(1, 1, ("a",))), AddUpdate(update(1, "a", b"A"))])
    before = store.load(1)
    changes = [PutState("x", "y"), PutDevice(Device("new")), Log("no"), *wrong, Log("no")]
    with pytest.raises(error):
        store.commit(1, changes)
    assert store.load(1) == before
    assert list(store.history(1)) == []
    store.commit(1, [AddVersion(version(2, round_=1))])
    assert store.head(1) == version(2, round_=1)


def test_after_a_failed_database_the_run_is_loaded_again_first(store: Store) -> None:
    with pytest.raises(StoreError):
        store.commit(1, [AddUpdate(update(77, "b"))])
    with pytest.raises(StoreError, match="load it again"):
        store.commit(1, [Log("x")])
    store.load(1)
    store.commit(1, [Log("x")])


def test_the_order_of_changes_of_different_things_does_not_matter(store: Store) -> None:
    changes = [
        AddUpdate(update(1, "a")),
        PutRound(Round(1, 2, ("a",))),
        AddVersion(version(2)),
    ]
    store.commit(1, changes)
    assert store.load(1).bases == {2: version(2)}


def test_updates_come_back_in_the_order_of_their_acceptance(store: Store) -> None:
    store.commit(1, [PutRound(Round(1, 1, ())), PutRound(Round(2, 1, ()))])
    order = [(2, "z"), (1, "b"), (2, "a"), (1, "a")]
    for norm, (round_, device) in enumerate(order):
        store.commit(1, [AddUpdate(replace(update(round_, device), norm=float(norm)))])
    saved = store.load(1)
    assert [(u.round, u.device) for u in saved.updates] == [(1, "b"), (1, "a"), (2, "z"), (2, "a")]
    assert saved.norms == [0.0, 1.0, 2.0, 3.0]
    assert saved.reported == set(order)


# ---- retention ----


def test_weights_of_the_first_the_newest_eight_and_every_hundredth_are_kept(store: Store) -> None:
    store.commit(1, add_versions(2, 90))
    for number in range(91, 212):
        store.commit(1, add_versions(number, number))
    assert kept(store, 211) == {1, 100, 200, *range(204, 212)}
    assert len(list(store.lineage(1))) == 211


def test_what_is_named_is_kept_until_it_no_longer_is(store: Store) -> None:
    store.commit(1, add_versions(2, 8))
    store.commit(
        1,
        [
            PutRound(Round(1, 7, ())),
            PutRound(Round(2, 7, ())),
            PutDevice(Device("a", deployed=2)),
            PutDevice(Device("b", deployed=3, pinned=4)),
            PutRollout(Rollout(5, 6, (1.0,))),
        ],
    )
    store.commit(1, add_versions(9, 30))
    newest = set(range(23, 31))
    assert kept(store, 30) == {1, 2, 3, 4, 5, 6, 7} | newest
    store.commit(1, [PutRound(Round(2, 7, (), open=False))])
    assert kept(store, 30) == {1, 2, 3, 4, 5, 6, 7} | newest
    store.commit(1, [PutRound(Round(1, 7, (), open=False))])
    store.commit(1, [PutDevice(Device("b", deployed=2, pinned=3))])
    store.commit(1, [PutDevice(Device("a", deployed=30))])
    assert kept(store, 30) == {1, 2, 3, 5, 6} | newest
    store.commit(1, [PutDevice(Device("b")), PutRollout(Rollout(5, 6, (1.0,), state="done"))])
    assert kept(store, 30) == {1, 5, 6} | newest
    store.commit(1, [PutRollout(Rollout(5, 30, (1.0,)))])
    assert kept(store, 30) == {1, 5} | newest


def test_a_round_cannot_start_from_weights_that_are_gone(store: Store) -> None:
    store.commit(1, add_versions(2, 10))
    with pytest.raises(HeadMovedError, match="version 2 are no longer kept"):
        store.commit(1, [PutRound(Round(1, 2, ()))])


def test_runs_keep_apart(store: Store) -> None:
    store.create(a_run(2), weights(1))
    store.commit(1, [*EVERYTHING, *add_versions(2, 12)])
    store.commit(2, add_versions(2, 3))
    assert kept(store, 3, run=2) == {1, 2, 3}
    saved = store.load(2)
    assert (saved.devices, saved.rollouts, saved.states, saved.updates) == ({}, [], {}, [])
    assert list(store.history(2)) == []


# ---- the log and requests ----


def test_history_tells_the_log_in_order(store: Store, place: str) -> None:
    entries = [Log(f"entry {number}", number, "dev", "x") for number in range(2500)]
    store.commit(1, entries[:1000])
    store.commit(1, entries[1000:])
    told = list(store.history(1))
    assert [entry for _, _, entry in told] == entries
    numbers = [number for number, _, _ in told]
    assert numbers == sorted(set(numbers))
    assert list(store.history(1, after=numbers[-3])) == told[-2:]
    assert all(at > 1.6e9 for _, at, _ in told)


def test_reading_slowly_does_not_hold_up_writing(store: Store) -> None:
    store.commit(1, [Log(str(number)) for number in range(3000)])
    reading = store.history(1)
    next(reading)
    store.commit(1, [Log("more")])
    assert len(list(reading)) == 3000


def waiting(store: Store, run: int) -> list[str]:
    return [text for _, text in store.requests(run)]


def test_requests_wait_in_order_until_they_are_done_with(store: Store, place: str) -> None:
    store.create(a_run(2), weights(1))
    other = open_store(place)
    for number in range(3):
        other.request(1, f'{{"number": {number}}}')
    other.request(2, "{}")
    other.close()
    assert waiting(store, 1) == ['{"number": 0}', '{"number": 1}', '{"number": 2}']
    first, second, _ = (number for number, _ in store.requests(1))
    store.commit(1, [DropRequest(second), DropRequest(first)])
    assert waiting(store, 1) == ['{"number": 2}'] and waiting(store, 2) == ["{}"]


def test_a_request_is_done_with_once(store: Store) -> None:
    """Two coordinators that are asked the same: what the slower one did is undone."""
    store.request(1, "{}")
    ((number, _),) = store.requests(1)
    store.commit(1, [PutState("paused", "1"), DropRequest(number)])
    with pytest.raises(HeadMovedError, match="done with already"):
        store.commit(1, [PutState("paused", "0"), DropRequest(number)])
    assert store.load(1).states == {"paused": "1"}


# ---- coordinators beside one another ----


def test_each_shard_has_its_own_record_of_a_rollout(store: Store, place: str) -> None:
    """Neither writes over what the other's devices have said; whoever looks sees both."""
    store.commit(1, [PutRollout(Rollout(2, 1, (0.5, 1.0), 1, installed=("a",)))], 0)
    theirs = Rollout(2, 1, (0.5, 1.0), 0, "paused", installed=("b",), failed=("c",))
    store.commit(1, [PutRollout(theirs)], 1)
    own = store.load(1, 0, 2).rollouts
    assert own == [Rollout(2, 1, (0.5, 1.0), 1, installed=("a", "b"), failed=("c",))]
    (other,) = store.load(1, 1, 2).rollouts
    assert (other.stage, other.state, other.installed) == (0, "paused", ("b", "a"))
    (whole,) = store.load(1, own=False).rollouts
    assert (whole.stage, whole.state, whole.failed) == (1, "running", ("c",))
    (resharded,) = store.load(1, 2, 3).rollouts
    assert set(resharded.installed) == {"a", "b"} and resharded.state == "running"


def test_rollouts_come_in_the_order_of_their_beginning(store: Store) -> None:
    store.commit(1, [PutRollout(Rollout(7, 1, (1.0,), turn=1))])
    store.commit(1, [PutRollout(Rollout(3, 7, (1.0,), turn=2))])
    assert [rollout.version for rollout in store.load(1).rollouts] == [7, 3]


def test_a_shard_belongs_to_one_coordinator(store: Store, place: str) -> None:
    store.load(1)
    other = open_store(place)
    for take in (lambda: other.load(1), lambda: other.commit(1, [Log("x")])):
        with pytest.raises(StoreError, match="another coordinator has shard 0 of run 1"):
            take()
    assert other.load(1, own=False).head == version(1, reports=0)
    store.close()
    other.load(1)
    other.commit(1, [Log("x")])
    other.close()


def test_whether_another_has_a_shard(store: Store, place: str) -> None:
    other = open_store(place)
    other.load(1, 0, 2)
    assert [store.is_taken(1, shard) for shard in (0, 1)] == [True, False]
    assert [other.is_taken(1, shard) for shard in (0, 1)] == [False, False]
    other.close()
    assert not store.is_taken(1, 0)
    store.load(1, 0)


def test_readers_see_what_a_coordinator_commits(store: Store, place: str) -> None:
    store.load(1)
    other = open_store(place, create=False)
    store.commit(1, [*EVERYTHING, AddVersion(version(2, round_=1))])
    assert other.head(1) == version(2, round_=1)
    assert other.devices(1) == {"board-1": DEVICE}
    assert [entry.what for _, _, entry in other.history(1)] == ["began"]
    other.close()


def test_shards_share_versions_and_devices_but_not_rounds(store: Store, place: str) -> None:
    other = open_store(place)
    store.load(1, 0, 2)
    other.load(1, 1, 2)
    store.commit(1, [PutRound(Round(1, 1, ("a",))), AddUpdate(update(1, "a", b"A"))], shard=0)
    other.commit(1, [PutRound(Round(1, 1, ("b",))), AddUpdate(update(1, "b", b"B"))], shard=1)
    other.commit(1, [AddVersion(version(2, round_=1)), PutDevice(Device("b"))], shard=1)
    with pytest.raises(HeadMovedError):
        store.commit(1, [AddVersion(version(2, round_=1))], shard=0)
    mine, theirs = store.load(1, 0, 2), other.load(1, 1, 2)
    assert mine.updates == [update(1, "a", b"A")] and theirs.updates == [update(1, "b")]
    assert mine.head == theirs.head == version(2, round_=1)
    assert mine.devices == theirs.devices == {"b": Device("b")}
    assert mine.open_rounds == {1: Round(1, 1, ("a",))}
    assert (mine.reported, theirs.reported) == ({(1, "a")}, {(1, "b")})
    other.close()


def test_a_base_is_kept_for_the_round_of_any_shard(store: Store, place: str) -> None:
    other = open_store(place)
    store.commit(1, add_versions(2, 2), shard=0)
    other.commit(1, [PutRound(Round(1, 2, ("b",)))], shard=1)
    store.commit(1, add_versions(3, 20), shard=0)
    assert store.weights(1, 2) == weights(2)
    other.commit(1, [PutRound(Round(1, 2, ("b",), open=False))], shard=1)
    assert kept(store, 20) == {1, *range(13, 21)}
    other.close()


def test_a_shard_must_be_one_of_them(store: Store) -> None:
    with pytest.raises(UsageError, match="shard 2 of 2"):
        store.load(1, 2, 2)


def test_a_sequential_round_is_one_commit(store: Store) -> None:
    store.commit(1, [PutRound(Round(1, 1, ("dev",)))])
    for number in range(1, 30):
        store.commit(1, sequential_round(number))
    saved = store.load(1)
    assert (saved.head, saved.last_round) == (version(30, round_=29), 30)
    assert saved.open_rounds == {30: Round(30, 30, ("dev",))}
    assert len(saved.reported) == 29


# ---- opening ----

#: rollouts as the first version of the tables had them
_FIRST_ROLLOUTS = """
DROP TABLE rollouts;
CREATE TABLE rollouts (
  run {integer} NOT NULL REFERENCES runs (id), version {integer} NOT NULL,
  previous {integer} NOT NULL, stages TEXT NOT NULL, stage {integer} NOT NULL, state TEXT NOT NULL,
  most_errors {real}, installed TEXT NOT NULL, failed TEXT NOT NULL, PRIMARY KEY (run, version)
);
CREATE INDEX previous_versions ON rollouts (run, previous);
INSERT INTO rollouts VALUES (1, 5, 1, '[0.5,1.0]', 1, 'done', 0.2, '["a","b"]', '["c"]')
"""


def test_rollouts_of_the_first_tables_are_kept(store: Store, place: str) -> None:
    database = store._database
    for statement in _FIRST_ROLLOUTS.split(";"):
        database.change(statement.format(integer="BIGINT", real="DOUBLE PRECISION"))
    if "postgres" in place:
        database.change("UPDATE format SET version = 1")
    else:
        database.rows("PRAGMA user_version = 1")
    store.close()
    for _ in range(2):
        migrated = open_store(place)
        (kept,) = migrated.load(1).rollouts
        assert kept == Rollout(5, 1, (0.5, 1.0), 1, "done", 0.2, ("a", "b"), ("c",), 5)
        migrated.commit(1, [PutRollout(replace(kept, state="aborted"))])
        migrated.commit(1, [PutRollout(kept)])
        migrated.close()


def test_closing_twice_is_fine(store: Store) -> None:
    store.close()
    store.close()


def test_damaged_weights_are_noticed(store: Store, place: str) -> None:
    store._database.change("UPDATE weights SET content = ?", bytes(16))
    with pytest.raises(StoreError, match="weights of run 1, version 1 are damaged"):
        store.head(1)


def test_tables_of_a_newer_program_are_refused(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    for module in ("sql_schema", "sqlite_store", "postgres_store"):
        monkeypatch.setattr(f"tinylearn.fleet.{module}.VERSION", 0)
    with pytest.raises(StoreError, match="has version 3 of the tables"):
        open_store(place)


def test_older_tables_are_migrated_in_one_transaction(
    store: Store, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    for module in ("sql_schema", "sqlite_store", "postgres_store"):
        monkeypatch.setattr(f"tinylearn.fleet.{module}.VERSION", 4)
    steps = {3: "CREATE TABLE extra (a {integer}); CREATE TABLE extra (b {integer})"}
    monkeypatch.setattr("tinylearn.fleet.sql_schema.MIGRATIONS", steps)
    with pytest.raises(StoreError, match="extra"):
        open_store(place)
    steps[3] = "CREATE TABLE extra (a {integer}); INSERT INTO extra VALUES (5)"
    for _ in range(2):
        migrated = open_store(place)
        assert [row[0] for row in migrated._database.rows("SELECT a FROM extra")] == [5]
        assert migrated.runs() == [a_run()]
        migrated.close()


def test_the_last_update_of_each_device_is_known(store: Store) -> None:
    """Also to a store that is opened anew, and of rounds long over."""
    store.create(replace(a_run(), id=2), weights(1))
    for number in (1, 2):
        store.commit(1, [PutRound(Round(number, 1, ("a", "b")))])
    store.commit(1, [AddUpdate(update(1, "a", b"12")), AddUpdate(update(1, "b"))])
    store.commit(1, [AddUpdate(update(2, "a"))])
    assert store.last_updates(1) == {"a": update(2, "a"), "b": update(1, "b")}
    assert store.last_updates(2) == {}


def test_tables_of_version_2_go_on_in_the_middle_of_a_round(store: Store, place: str) -> None:
    """They looked for a base among all rounds, by an index of less."""
    store.commit(1, [*add_versions(2, 40), PutRound(Round(1, 40, ("a", "b")))])
    store.commit(1, [AddUpdate(update(1, "a"))])
    before = store.load(1)
    for statement in ("DROP INDEX open_rounds",
                      "CREATE INDEX open_rounds ON rounds (run, base) WHERE open = 1"):  # fmt: skip
        store._database.change(statement)
    if place.startswith("postgres"):
        store._database.change("UPDATE format SET version = 2")
    else:
        store._database.rows("PRAGMA user_version = 2")
    store.close()
    migrated = open_store(place)
    assert migrated.load(1) == before
    ended = PutRound(replace(before.open_rounds[1], open=False, version=41))
    migrated.commit(1, [AddUpdate(update(1, "b")), *add_versions(41, 41), ended])
    assert migrated.head(1) == version(41) and 40 in kept(migrated, 41)
    migrated.close()
