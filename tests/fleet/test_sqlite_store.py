"""What is particular to SQLite: files that are not ours, damaged, or in use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.fleet_records import a_run, add_versions, version, weights

from tinylearn.fleet.records import AddVersion, Log, PutRound, Round
from tinylearn.fleet.store import StoreError, open_store


def test_commits_survive_the_power(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "fleet.db"))
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        assert store._database.rows(f"PRAGMA {pragma}") == [(value,)]
    store.close()


def test_a_file_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "typo.db"
    with pytest.raises(StoreError, match=r"typo\.db: is not there"):
        open_store(str(path), create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["no-such-folder/fleet.db", "."])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, name: str) -> None:
    place = str(tmp_path / name)
    with pytest.raises(StoreError) as error:
        open_store(place)
    assert place in str(error.value)


def test_a_file_of_another_kind_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"my notes\n" * 500)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database"):
        open_store(str(path))
    assert path.read_bytes() == b"my notes\n" * 500


@pytest.mark.parametrize("setup", ["CREATE TABLE songs (name TEXT)", "PRAGMA application_id = 99"])
def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path, setup: str) -> None:
    path = tmp_path / "songs.db"
    other = sqlite3.connect(path)
    other.execute(setup)
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"songs\.db: is a database of another program"):
        open_store(str(path))
    assert path.read_bytes() == before


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    store = open_store(str(path))
    store.create(a_run(), weights(1))
    store.commit(1, [Log("x" * 100)] * 2000 + add_versions(2, 50))
    store.close()
    content = bytearray(path.read_bytes())
    for start in range(4096 * 5, len(content) - 4096, 4096):
        content[start : start + 64] = b"\xee" * 64
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"fleet\.db: "):
        _read_everything(str(path))


def _read_everything(place: str) -> None:
    store = open_store(place)
    try:
        store.load(1)
        list(store.history(1))
    finally:
        store.close()


def test_a_file_cut_short_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.db"
    store = open_store(str(path))
    store.create(a_run(), weights(1))
    store.close()
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(StoreError, match=r"fleet\.db: "):
        _read_everything(str(path))


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinylearn.fleet.sqlite_store._PATIENCE_S", 0.05)
    path = tmp_path / "fleet.db"
    store = open_store(str(path))
    store.create(a_run(), weights(1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"fleet\.db: database is locked"):
        store.request(1, "{}")
    assert store.head(1) == version(1, reports=0)
    other.close()
    store.request(1, "{}")
    assert [text for _, text in store.requests(1)] == ["{}"]
    store.close()


def test_a_store_in_memory_works_like_any() -> None:
    store = open_store(":memory:")
    store.create(a_run(), weights(1))
    store.commit(1, add_versions(2, 3))
    assert store.load(1).head == version(3)
    store.close()
    other = open_store(":memory:")
    assert other.runs() == []
    other.close()


def _steps(database, function) -> int:
    """Instructions of SQLite's machine that a call takes."""
    taken = [0]

    def count() -> None:
        taken[0] += 1

    database._connection.set_progress_handler(count, 1)
    function()
    database._connection.set_progress_handler(None, 1)
    return taken[0]


def test_a_commit_costs_the_same_after_many_rounds(tmp_path: Path) -> None:
    """What may be pruned is found without a look at all rounds of the run."""
    store = open_store(str(tmp_path / "fleet.db"))
    store.create(a_run(), weights(1))

    def round_(n: int) -> None:
        ended = PutRound(Round(n, n, ("d",), open=False, version=n + 1))
        store.commit(1, [AddVersion(version(n + 1)), ended, PutRound(Round(n + 1, n + 1, ("d",)))])

    for n in range(1, 31):
        round_(n)
    early = _steps(store._database, lambda: round_(31))
    for n in range(32, 331):
        round_(n)
    assert _steps(store._database, lambda: round_(331)) < early + 50
    store.close()
