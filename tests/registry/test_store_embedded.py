"""What only the store in a folder does: locks, folders, copies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import store_writer
from graphs import canonical, device, quads

from tinylearn.errors import UsageError
from tinylearn.registry.store import embedded
from tinylearn.registry.store.backup import back_up
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.registry.store.errors import StoreError, StoreLockedError
from tinylearn.registry.store.open import open_store
from tinylearn.registry.store.snapshot import copy_snapshot
from tinylearn.registry.store.write_ahead_log import WriteAheadLog


def filled(folder: Path, count: int = 3) -> EmbeddedStore:
    store = EmbeddedStore(folder)
    store.upsert(dict(map(device, range(1, count + 1))))
    return store


# ---- locks ----


def test_a_second_writer_is_told_which_process_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    command = [sys.executable, store_writer.__file__, "upserts", str(folder), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            with pytest.raises(
                StoreLockedError, match=f"{folder}: process {process.pid} has .* end it"
            ):
                open_store(folder)
        finally:
            process.kill()
    open_store(folder).close()


def test_the_same_process_is_told_so_and_keeps_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    store = filled(folder)
    with pytest.raises(StoreLockedError, match="this process has the registry open already"):
        open_store(folder)
    code = f"from tinylearn.registry.store.open import open_store; open_store({str(folder)!r})"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "StoreLockedError" in other.stderr
    store.close()


def test_threads_share_a_writer(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "registry")

    def write(first: int) -> None:
        for number in range(first, first + 20):
            store.upsert(dict([device(number)]))

    threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.names()) == store.revision() == 80
    store.close()
    again = EmbeddedStore(tmp_path / "registry")
    assert again.revision() == 80
    again.close()


def test_each_part_of_a_bulk_load_counts(tmp_path: Path) -> None:
    """Parts that are loaded side by side come in in any order, and one may be killed before another."""
    folder, revisions = tmp_path / "registry", []
    for start in (0, 10_000):
        store = EmbeddedStore(folder)
        store.bulk_load(quads(*(device(start + n) for n in range(2000))))
        revisions.append(store.revision())
        store.upsert(dict([device(start)]))
        revisions.append(store.revision())
        store.close()
    assert revisions == [2, 3, 5, 6]
    again = EmbeddedStore(folder, read_only=True)
    assert (again.revision(), len(again.names())) == (6, 4000)


# ---- folders ----


@pytest.mark.parametrize("how", [{"create": False}, {"read_only": True}])
def test_a_store_that_is_not_there(tmp_path: Path, how: dict[str, bool]) -> None:
    with pytest.raises(StoreError, match=f"{tmp_path}/none: no registry is there; make one"):
        open_store(tmp_path / "none", **how)
    assert not (tmp_path / "none").exists()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"holds other files \(letter.txt"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="is a file; a registry is a folder"):
        open_store(tmp_path / "letter.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_folders_are_made(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a" / "b")
    store.close()
    open_store(str(tmp_path / "a" / "b"), create=False).close()


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    filled(tmp_path / "registry").close()
    for path in (tmp_path / "registry").glob("MANIFEST-*"):
        path.write_bytes(b"\x00" * 100)
    with pytest.raises(StoreError, match=f"{tmp_path}/registry: cannot be opened"):
        open_store(tmp_path / "registry")


@pytest.mark.parametrize("where", ["ftp://host/registry", "bolt://localhost"])
def test_an_unknown_kind_of_url(where: str) -> None:
    with pytest.raises(UsageError, match=f"{where}: is no folder and no http"):
        open_store(where)


def test_messages_of_earlier_openings_do_not_pile_up(tmp_path: Path) -> None:
    filled(tmp_path / "registry").close()
    for _ in range(3):
        open_store(tmp_path / "registry").close()
        open_store(tmp_path / "registry", read_only=True).close()
    assert len(list((tmp_path / "registry").glob("LOG*"))) <= 2


# ---- the log ----


def test_the_log_is_written_to_tables_before_it_grows_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LOG_BYTES", 50_000)
    store = EmbeddedStore(tmp_path / "registry")
    sizes = []
    for number in range(30):
        store.upsert(dict([device(number)]))
        sizes.append(WriteAheadLog(tmp_path / "registry").size())
    assert max(sizes) < 60_000
    assert len(store.names()) == 30
    store.close()


# ---- beside a writer ----


def test_a_reader_sees_what_was_there_when_it_opened(tmp_path: Path) -> None:
    store = filled(tmp_path / "registry")
    reader = open_store(tmp_path / "registry", read_only=True)
    store.upsert(dict([device(1, version=9)]))
    assert canonical(reader.graph(device(1)[0])) == canonical(device(1)[1])
    assert reader.revision() == 1
    later = open_store(tmp_path / "registry", read_only=True)
    assert canonical(later.graph(device(1)[0])) == canonical(device(1, version=9)[1])
    assert (later.revision(), store.revision()) == (2, 2)
    for opened in (reader, later, store):
        opened.close()


def test_a_reader_whose_files_are_gone_opens_anew(tmp_path: Path) -> None:
    store = filled(tmp_path / "registry", count=2000)
    store.close()
    reader = EmbeddedStore(tmp_path / "registry", read_only=True)
    real = reader._store

    class Gone:
        def query(self, *_: object, **__: object) -> None:
            raise FileNotFoundError("000012.sst: no such file")

    reader._store = Gone()  # type: ignore[assignment]
    assert len(reader.select("SELECT ?s { ?s a ?kind }")) == 2000
    assert real is not reader._store
    reader.close()


def test_a_stream_goes_on_while_files_are_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    store = EmbeddedStore(folder)
    for part in range(5):
        store.bulk_load(quads(*(device(2000 * part + n) for n in range(2000))))
    store.close()
    del store
    reader = EmbeddedStore(folder, read_only=True)
    stream = reader.quads()
    next(stream)
    shutil.rmtree(folder)
    assert sum(1 for _ in stream) == 4 * 10_000 - 1
    assert [p.name for p in tmp_path.iterdir()] == []  # nor does it leave a copy behind


# ---- backups ----


@pytest.mark.parametrize("read_only", [False, True])
def test_a_backup_holds_what_was_written_last(tmp_path: Path, read_only: bool) -> None:
    store = filled(tmp_path / "registry")
    store.flush()
    store.upsert(dict([device(4)]))
    source = EmbeddedStore(tmp_path / "registry", read_only=True) if read_only else store
    back_up(source, tmp_path / "copy")
    store.upsert(dict([device(1, version=9)]))
    copy = open_store(tmp_path / "copy", create=False)
    assert len(copy.names()) == 4
    assert copy.revision() == 2
    assert canonical(copy.graph(device(1)[0])) == canonical(device(1)[1])
    copy.upsert({}, deleted=copy.names())
    assert len(store.names()) == 4  # the copy is one of its own
    for opened in (copy, source, store):
        opened.close()


def test_a_backup_lists_again_what_is_taken_away_after_the_manifest_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RocksDB removes what nothing names any more without another word in its manifest."""
    store = filled(tmp_path / "registry")
    gone, listed = ["OPTIONS-000001"], os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed(folder) + gone)
    monkeypatch.setattr(time, "sleep", lambda _seconds: gone.clear())
    copy_snapshot(tmp_path / "registry", tmp_path / "copy")
    copy = open_store(tmp_path / "copy")
    assert set(copy.names()) == set(store.names())
    for opened in (copy, store):
        opened.close()


def test_a_backup_goes_to_no_place_that_is_taken(tmp_path: Path) -> None:
    store = filled(tmp_path / "registry")
    for target in (tmp_path, tmp_path / "registry", tmp_path / "none" / "copy"):
        with pytest.raises(UsageError, match=f"{target}: name a folder that does not exist"):
            back_up(store, target)
    assert [p.name for p in tmp_path.iterdir()] == ["registry"]
    store.close()


def test_a_backup_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path / "registry")

    def fail(folder: Path) -> None:
        folder.mkdir()
        raise StoreError("no space left")

    monkeypatch.setattr(store, "backup", fail)
    with pytest.raises(StoreError, match="no space left"):
        back_up(store, tmp_path / "copy")
    assert [p.name for p in tmp_path.iterdir()] == ["registry"]
    store.close()
