"""What is particular to PostgreSQL: connections and servers that end in the middle of a commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from fleet_cli import begun, fails
from support.fleet_records import a_run, add_versions, sequential_round, update, version, weights
from support.postgres_server import CRASH, PostgresServer

from tinylearn.errors import UsageError
from tinylearn.fleet.records import AddUpdate, AddVersion, Log, PutRound, PutState, Round
from tinylearn.fleet.store import DuplicateUpdateError, HeadMovedError, StoreError, open_store

psycopg = pytest.importorskip("psycopg")
postgres_store = pytest.importorskip("tinylearn.fleet.postgres_store")

BEGIN = [PutRound(Round(1, 1, ("dev",)))]


@pytest.fixture
def place(postgres: PostgresServer) -> str:
    return postgres.empty_database()


@pytest.fixture
def store(place: str) -> Iterator[Any]:
    """With run 1, its first round open."""
    opened = postgres_store.PostgresStore(place)
    opened.create(a_run(), weights(1))
    opened.commit(1, BEGIN)
    yield opened
    opened.close()


class Killer:
    """Ends the sessions before or after the statement that is the ``at``-th from now on."""

    def __init__(self, store: Any, kill: Callable[[], None], at: int, after: bool) -> None:
        self._database, self._kill, self._at, self._after = store._database, kill, at, after
        self._once = self._database._once
        self.count = 0
        self._database._once = self._killing

    def remove(self) -> None:
        self._database._once = self._once

    def _killing(self, statement: str, values: Any) -> Any:
        self.count += 1
        if self.count != self._at:
            return self._once(statement, values)
        if self._after:
            self._once(statement, values)
        self._kill()
        return self._once("SELECT 1" if self._after else statement, () if self._after else values)


def check_one_round_more(store: Any, run: int = 1) -> None:
    """Round 1 is in version 2, once, and the next commit goes on from there."""
    saved = store.load(run)
    assert saved.head == version(2, round_=1)
    assert saved.open_rounds == {2: Round(2, 2, ("dev",))}
    assert [entry.what for *_, entry in store.history(run)] == ["once"]
    with pytest.raises(DuplicateUpdateError):
        store.commit(run, [AddUpdate(update(1, "dev"))])
    store.commit(run, sequential_round(2))


CHANGES = [Log("once"), *sequential_round(1)]


def test_a_connection_lost_at_any_statement_of_a_commit_harms_nothing(
    store: Any, postgres: PostgresServer
) -> None:
    statements = _statements_of(CHANGES, postgres.url("fleet"))
    assert statements > 10
    moments = [(at, after) for at in range(1, statements + 1) for after in (False, True)]
    for run, (at, after) in enumerate(moments, 2):
        store.create(a_run(run), weights(1))
        store.commit(run, BEGIN)
        killer = Killer(store, postgres.end_sessions, at, after)
        store.commit(run, CHANGES)
        killer.remove()
        check_one_round_more(store, run)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_server_that_restarts_at_the_commit_harms_nothing(
    store: Any, postgres: PostgresServer, after: bool
) -> None:
    def restart() -> None:
        postgres.stop(CRASH)
        postgres.start()

    Killer(store, restart, _statements_of(CHANGES, postgres.url("fleet")), after)
    store.commit(1, CHANGES)
    check_one_round_more(store)


def _statements_of(changes: list[Any], place: str) -> int:
    """How many statements a commit of these is, its COMMIT the last."""
    other = postgres_store.PostgresStore(place)
    other.create(a_run(99), weights(1))
    other.commit(99, BEGIN)
    counter = Killer(other, lambda: None, 0, False)
    other.commit(99, changes)
    other.close()
    return counter.count


def test_a_server_restarted_between_commits_goes_unnoticed(
    store: Any, postgres: PostgresServer
) -> None:
    postgres.stop()
    postgres.start()
    assert store.requests(1) == []
    store.commit(1, CHANGES)
    check_one_round_more(store)


def test_a_server_away_for_a_while_is_waited_for(store: Any, postgres: PostgresServer) -> None:
    postgres.stop()
    back = threading.Timer(0.5, postgres.start)
    back.start()
    store.commit(1, CHANGES)
    back.join()
    check_one_round_more(store)


def test_a_server_away_too_long_leaves_the_commit_in_doubt(
    place: str, postgres: PostgresServer
) -> None:
    store = postgres_store.PostgresStore(place, patience_s=0.2)
    store.create(a_run(), weights(1))
    store.commit(1, BEGIN)
    Killer(store, postgres.stop, _statements_of(CHANGES, place), True)
    with pytest.raises(StoreError):
        store.commit(1, CHANGES)
    postgres.start()
    with pytest.raises(StoreError, match="load it again"):
        store.commit(1, CHANGES)
    check_one_round_more(store)
    store.close()


def test_a_shard_that_another_took_meanwhile_is_not_written(
    store: Any, place: str, postgres: PostgresServer
) -> None:
    store._database._patience_s = 0.3
    postgres.end_sessions()
    other = open_store(place)
    other.commit(1, CHANGES)
    with pytest.raises(StoreError, match="another coordinator has shard 0 of run 1"):
        store.commit(1, CHANGES)
    other.close()
    store.load(1)
    check_one_round_more(store)


def test_a_shard_that_another_had_and_left_is_loaded_again_first(
    store: Any, place: str, postgres: PostgresServer
) -> None:
    postgres.end_sessions()
    other = open_store(place)
    other.commit(1, CHANGES)
    other.close()
    with pytest.raises(StoreError, match="another coordinator"):
        store.commit(1, [PutState("key", "value")])
    check_one_round_more(store)


def test_coordinators_at_once_make_one_lineage(place: str) -> None:
    """Four threads, each a coordinator of its shard, contend for the head."""
    first = open_store(place)
    first.create(a_run(), weights(1))
    added: list[int] = []
    threads = [threading.Thread(target=_contend, args=(place, n, added)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lineage = list(first.lineage(1))
    assert [each.number for each in lineage] == list(range(1, 42))
    assert [each.parent for each in lineage] == list(range(41))
    assert sorted(added) == list(range(2, 42))
    assert sum(len(first.load(1, n, 4, own=False).reported) for n in range(4)) == 40
    first.close()


def _contend(place: str, shard: int, added: list[int]) -> None:
    """Ten rounds, each aggregated once, on whatever is the head then."""
    store = open_store(place)
    for number in range(1, 11):
        while True:
            head = store.head(1).number
            new = version(head + 1, head, round_=number)
            opened = PutRound(Round(number, head, ("dev",)))
            try:
                store.commit(1, [opened, AddUpdate(update(number, "dev")), AddVersion(new)], shard)
            except HeadMovedError:
                continue
            added.append(new.number)
            break
    store.close()


def test_commits_are_durable_whatever_the_server_says(place: str, postgres: PostgresServer) -> None:
    postgres.execute("ALTER DATABASE fleet SET synchronous_commit TO off")
    store = open_store(place)
    assert store._database.rows("SHOW synchronous_commit") == [("on",)]
    store.close()
    postgres.execute("ALTER DATABASE fleet RESET synchronous_commit")


def test_a_database_without_a_fleet_is_not_made_one(place: str) -> None:
    with pytest.raises(StoreError, match="holds no fleet"):
        open_store(place, create=False)
    with pytest.raises(StoreError, match="holds no fleet"):
        open_store(place, create=False)


def test_an_address_that_is_none_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="USER@HOST"):
        open_store("postgresql://host/?no_such_option=1")


def test_a_password_is_never_told(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError) as error:
        open_store(f"postgresql://postgres:hunter2@/none?host={postgres.folder}")
    assert "hunter2" not in str(error.value) and "/none" in str(error.value)


def test_commands_do_not_tell_the_password_either(place: str) -> None:
    address = place.replace("postgres@", "postgres:hunter2@")
    begun(address)
    with closing(open_store(address)) as store:
        assert "hunter2" not in store.where
    told = fails(2, "status", "--store", address, "--run", 99, match="holds no run 99")
    told += fails(6, "pause", "--store", address, "--wait", 0.1, match="no coordinator has taken")
    assert "hunter2" not in told and "/fleet" in told


def test_other_tables_of_the_database_are_left_alone(place: str, postgres: PostgresServer) -> None:
    postgres.execute("CREATE TABLE runs (a BIGINT)", "fleet")
    store = open_store(place)
    store.create(a_run(), weights(1))
    store.commit(1, add_versions(2, 3))
    assert store.head(1) == version(3)
    store.close()
    postgres.execute("DROP TABLE runs", "fleet")
