"""What each transaction has changed: gaps there may be, but nothing that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphs import device, quads
from pyoxigraph import NamedNode

from tinylearn.registry.store import change_log
from tinylearn.registry.store.change_log import ChangeLog
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.registry.store.errors import StoreError


def name(number: int) -> str:
    return device(number)[0].value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Revisions 1 to 4: 1, then 2 and 3, then 1 again without 3, then 4."""
    store = EmbeddedStore(tmp_path / "registry")
    store.upsert(dict([device(1)]))
    store.upsert(dict([device(2), device(3)]))
    store.upsert(dict([device(1, 2)]), iter([NamedNode(name(3))]))
    store.close()
    store = EmbeddedStore(tmp_path / "registry")
    store.upsert(dict([device(4)]))
    store.close()
    return tmp_path / "registry"


#: after each revision
CHANGED = [{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 3, 4}, {4}, set()]


def test_what_has_changed_since_any_revision(folder: Path) -> None:
    for before, numbers in enumerate(CHANGED):
        assert ChangeLog(folder).since(before, 4) == {name(n) for n in numbers}
    assert ChangeLog(folder).since(1, 2) == {name(2), name(3)}
    assert ChangeLog(folder).since(4, 5) is None and ChangeLog(folder).since(5, 4) is None


def test_a_bulk_load_is_not_told_of(folder: Path) -> None:
    store = EmbeddedStore(folder)
    store.bulk_load(quads(*map(device, range(10, 3000))))
    store.upsert(dict([device(5)]))
    now = store.revision()
    store.close()
    assert ChangeLog(folder).since(4, now) is None
    assert ChangeLog(folder).since(now - 1, now) == {name(5)}


def test_a_revision_that_was_set_is_not_told_of(folder: Path) -> None:
    store = EmbeddedStore(folder)
    store.set_revision(7)
    store.close()
    assert ChangeLog(folder).since(4, 7) is None


def test_a_line_cut_at_any_byte_is_not_believed(folder: Path) -> None:
    path = folder / change_log.NAME
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        for before, numbers in enumerate(CHANGED[:-1]):
            assert ChangeLog(folder).since(before, 4) in (None, {name(n) for n in numbers})
        assert ChangeLog(folder).since(3, 4) is None or size == len(whole) - 1


def test_what_follows_a_cut_line_is_read(folder: Path) -> None:
    path = folder / change_log.NAME
    path.write_bytes(path.read_bytes()[:-9])
    store = EmbeddedStore(folder)
    store.upsert(dict([device(5)]))
    store.close()
    assert ChangeLog(folder).since(3, 5) is None
    assert ChangeLog(folder).since(4, 5) == {name(5)}


def test_what_a_killed_writer_did_not_commit_is_forgotten(folder: Path) -> None:
    ChangeLog(folder).add(5, [NamedNode("urn:never:committed")])
    store = EmbeddedStore(folder)
    store.upsert(dict([device(6)]))
    store.close()
    assert ChangeLog(folder).since(4, 5) == {name(6)}


def test_what_the_engine_refuses_is_forgotten(folder: Path) -> None:
    store = EmbeddedStore(folder)
    engine = store._store

    class Refusing:
        def update(self, _text: str) -> None:
            raise OSError("no space left")

    store._store = Refusing()  # type: ignore[assignment]
    with pytest.raises(StoreError, match="no space left"):
        store.upsert(dict([device(5)]))
    store._store = engine
    assert not (folder / change_log.NAME).exists()
    store.upsert(dict([device(6)]))
    store.close()
    assert ChangeLog(folder).since(4, 5) == {name(6)}


@pytest.mark.parametrize("written", [0, 5, OSError(28, "No space left on device")])
def test_a_line_that_cannot_be_written_leaves_none(
    folder: Path, written: int | OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int, _line: bytes) -> int:
        if isinstance(written, OSError):
            raise written
        return written

    store = EmbeddedStore(folder)
    with monkeypatch.context() as patched:
        patched.setattr(change_log.os, "write", full)
        store.upsert(dict([device(5)]))
    store.upsert(dict([device(6)]))
    store.close()
    assert ChangeLog(folder).since(4, 6) is None and ChangeLog(folder).since(5, 6) == {name(6)}


def test_nothing_is_committed_where_a_wrong_line_would_stay(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "not yours")

    store = EmbeddedStore(folder)
    with monkeypatch.context() as patched:
        patched.setattr(change_log.os, "write", refuse)
        patched.setattr(change_log.os, "unlink", refuse)
        with pytest.raises(StoreError, match="not yours"):
            store.upsert(dict([device(5)]))
    assert store.revision() == 4 and not store.graph(device(5)[0])
    store.close()


def test_it_stays_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "_MOST_BYTES", 1000)
    store = EmbeddedStore(folder)
    for number in range(100):
        store.upsert(dict([device(number)]))
        path = folder / change_log.NAME
        assert not path.exists() or os.stat(path).st_size <= 1000
    store.upsert(dict([device(5)]))
    now = store.revision()
    store.close()
    assert ChangeLog(folder).since(4, now) is None
