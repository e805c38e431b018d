"""Writers killed in the midst of upserts and bulk loads, servers killed, power lost: nothing is torn,
nothing that was acknowledged is lost. Readers meanwhile see whole transactions."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from graphs import NAME, canonical, device, quads
from killed_writer import write_and_kill, writer
from pyoxigraph import Literal
from store_writer import BULK, PAIR
from support.sparql_server import SparqlServer

from tinylearn.registry.store import write_ahead_log
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.open import open_store
from tinylearn.registry.store.snapshot import copy_snapshot
from tinylearn.registry.vocabulary import tl


def version_of(store: GraphStore, number: int) -> int:
    """What all of a device's graph tells; 0 where there is none."""
    name, _ = device(number)
    content = store.graph(name)
    found = [t.object for t in content if t.predicate == tl("ramBytes")]
    if not content:
        return 0
    version = int(found[0].value)
    assert canonical(content) == canonical(device(number, version)[1])
    return version


def check_rounds(store: GraphStore, least: int) -> int:
    """Rounds 1 to the last are there whole, and none beyond; returns the last."""
    last = version_of(store, PAIR[0])
    assert last >= least
    assert version_of(store, PAIR[1]) == last
    assert len(store.names()) == last + 2
    parts = store.select(f"SELECT ?text {{ ?node {NAME} ?text }}")
    wanted = {f"part of {n}, 0" for n in range(1, last + 1)} | {
        f"part of {n}, {last}" for n in PAIR
    }
    assert {row["text"].value for row in parts} == wanted
    assert store.revision() == last
    return last


def test_upserts_killed_at_any_instant(tmp_path: Path) -> None:
    place, chance, kept = tmp_path / "registry", random.Random(5), 0
    for _ in range(8):
        told = write_and_kill("upserts", place, kept + 1, chance.uniform(0, 0.15))
        assert told > kept
        store = open_store(place, create=False)
        kept = check_rounds(store, told)
        store.close()


def test_bulk_loads_killed_at_any_instant(tmp_path: Path) -> None:
    place, chance, first = tmp_path / "registry", random.Random(6), 1
    for _ in range(6):
        told = write_and_kill("bulk", place, first, chance.uniform(0, 0.2))
        store = open_store(place, create=False)
        sizes: dict[object, int] = {}
        for quad in store.quads():
            sizes[quad.graph_name] = sizes.get(quad.graph_name, 0) + 1
        assert set(sizes.values()) == {4}
        assert {device(n)[0] for n in range(BULK, (told + 1) * BULK)} <= set(sizes)
        assert len(store.names()) == len(sizes)
        assert not list(place.glob("bulk-*"))  # what was begun takes no space
        store.close()
        first = told + 1  # what was not acknowledged is loaded again


def test_killed_while_it_is_made(tmp_path: Path) -> None:
    chance, made = random.Random(7), 0
    for number in range(10):
        place = tmp_path / f"registry{number}"
        with writer("upserts", place, 1) as process:
            while not place.exists() and process.poll() is None:
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.03))
        store = open_store(place)
        made += check_rounds(store, 0) if store.names() else 0
        store.close()
    assert made < 1000  # it was early


def test_readers_beside_a_writer_see_whole_transactions(tmp_path: Path) -> None:
    place, seen = tmp_path / "registry", []
    with writer("upserts", place, 1) as process:
        assert process.stdout is not None
        for _ in range(20):
            told = int(process.stdout.readline())
            reader = open_store(place, read_only=True)
            seen.append(check_rounds(reader, told))
            reader.close()
    assert seen == sorted(seen)


def test_backups_beside_a_writer_hold_whole_transactions(tmp_path: Path) -> None:
    place = tmp_path / "registry"
    with writer("upserts", place, 1) as process:
        assert process.stdout is not None
        for number in range(8):
            told = int(process.stdout.readline())
            reader = open_store(place, read_only=True)
            reader.backup(tmp_path / f"copy{number}")
            copy = open_store(tmp_path / f"copy{number}", create=False)
            check_rounds(copy, told)
            copy.close()


def test_a_killed_server_keeps_what_it_has_acknowledged(tmp_path: Path) -> None:
    server = SparqlServer(folder=tmp_path / "server")
    store = open_store(server.url)
    for version in range(1, 40):
        store.upsert(dict(device(n, version) for n in (1, 2)))
    server.stop()
    with pytest.raises(StoreError, match=server.url):
        store.upsert(dict([device(1, 99)]))
    server = SparqlServer(folder=tmp_path / "server")
    again = open_store(server.url)
    assert [version_of(again, n) for n in (1, 2)] == [39, 39]
    store.close()
    again.close()
    server.stop()


# ---- loss of power ----


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Bytes of each log file that are on the disk, by inode."""
    sizes: dict[int, int] = {}
    real = write_ahead_log._sync_file

    def sync(handle: int) -> None:
        real(handle)
        sizes[os.fstat(handle).st_ino] = os.fstat(handle).st_size

    monkeypatch.setattr(write_ahead_log, "_sync_file", sync)
    return sizes


def without_power(folder: Path, copy: Path, kept) -> None:
    """A copy with only so many bytes of the logs."""
    copy_snapshot(folder, copy)
    for log in folder.glob("*.log"):
        os.truncate(copy / log.name, min(kept(log), log.stat().st_size))


def test_what_was_acknowledged_survives_a_loss_of_power(
    tmp_path: Path, synced: dict[int, int]
) -> None:
    folder, copy = tmp_path / "registry", tmp_path / "copy"
    store = open_store(folder)
    for round_ in range(1, 16):
        store.upsert(dict([device(round_), *(device(number, round_) for number in PAIR)]))
        without_power(folder, copy, lambda log: synced.get(log.stat().st_ino, 0))
        after = open_store(copy, create=False)
        assert check_rounds(after, round_) == round_
        after.close()
    # the test would notice a log that is not synced
    without_power(folder, copy, lambda log: 0)
    after = open_store(copy)
    assert len(after.names()) < 17
    after.close()
    store.close()


def test_a_log_torn_at_any_byte_holds_whole_transactions(tmp_path: Path) -> None:
    folder, copy, chance = tmp_path / "registry", tmp_path / "copy", random.Random(8)
    store = open_store(folder)
    for round_ in range(1, 20):
        store.upsert(dict([device(round_), *(device(number, round_) for number in PAIR)]))
    lasts = set()
    for _ in range(15):
        share = chance.random()
        without_power(folder, copy, lambda log, share=share: int(share * log.stat().st_size))
        after = open_store(copy)
        lasts.add(check_rounds(after, 1) if after.names() else 0)
        after.close()
    assert len(lasts) > 5
    store.close()


def test_a_bulk_load_survives_a_loss_of_power(tmp_path: Path, synced: dict[int, int]) -> None:
    folder, copy = tmp_path / "registry", tmp_path / "copy"
    store = open_store(folder)
    store.bulk_load(quads(*map(device, range(3000))))
    store.bulk_load(quads(*map(device, range(3000, 3010))))
    without_power(folder, copy, lambda log: synced.get(log.stat().st_ino, 0))
    after = open_store(copy, create=False)
    assert len(after.names()) == 3010
    assert after.select(f"SELECT ?s {{ ?s {tl('ramBytes')} ?v FILTER(?v != ?zero) }}",
                        {"zero": Literal(0)}) == []  # fmt: skip
    after.close()
    store.close()
