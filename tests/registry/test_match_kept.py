"""Columns that are kept in the store's folder: used where they hold, and never where they do not."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import NamedNode

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import done
from killed_writer import write_and_kill

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import flat_facts
from tinylearn.registry.matching import current_devices as of_current
from tinylearn.registry.matching.current_devices import current_devices, keep_up
from tinylearn.registry.matching.device_table import DeviceTable
from tinylearn.registry.matching.index import Index
from tinylearn.registry.matching.scan_devices import scan_devices
from tinylearn.registry.matching.terms import Terms
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.flat import flat_facts as model_facts
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store

CAMERA = "urn:example:sensor:Camera"
MODEL = Model("urn:m:1", "m", needs={Mode.INFERENCE: Need(1000, 1000)}, sensors=frozenset({CAMERA}))


def device(number: int, ram: int = 5000) -> Device:
    return Device(f"urn:d:{number}", f"d {number}", ram, 5000, "Cortex-M4F", True, None, 64_000_000,
                  0.5, frozenset({CAMERA}), "cortex-m4f")  # fmt: skip


def put(store: GraphStore, *devices: Device) -> None:
    store.upsert({NamedNode(one.iri): flat_facts(one) for one in devices})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    store = open_store(folder)
    put(store, device(1), device(2, 10))
    store.upsert({NamedNode(MODEL.iri): model_facts(MODEL)})
    store.close()
    return folder


def test_a_comma_in_an_iri_is_no_end_of_it(place: Path) -> None:
    store = open_store(place)
    known = replace(device(3), iri="tag:me@x.example,2024:3")
    put(store, known)
    for _ in ("read again, of what has changed", "scanned"):
        index = Index.load(store)
        assert index.matrix().devices == [known.iri, "urn:d:1", "urn:d:2"]
        assert index.pair(known.iri, MODEL.iri).fits
        assert index.devices_for(MODEL.iri).fitting == 2
        (place / "matching.npz").unlink()
    store.close()


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each scan of the devices."""
    counted, scan = list[int](), of_current.scan_devices

    def counting(*args: object) -> object:
        counted.append(1)
        return scan(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(of_current, "scan_devices", counting)
    return counted


def fitting(place: Path) -> list[str]:
    store = open_store(place, create=False, read_only=True)
    found = Index.load(store, model=MODEL.iri).devices_for(MODEL.iri)
    store.close()
    return [one.device for one in found[: found.fitting]]


def test_a_second_start_does_not_scan(place: Path, scans: list[int]) -> None:
    assert fitting(place) == fitting(place) == ["urn:d:1"]
    assert len(scans) == 1


def test_what_was_written_since_is_seen_without_a_scan(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    put(store, device(2), device(3))
    store.upsert({}, [NamedNode("urn:d:1")])
    store.close()
    assert fitting(place) == fitting(place) == ["urn:d:2", "urn:d:3"]
    assert len(scans) == 1


def test_what_is_not_known_to_have_changed_is_scanned_for(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    put(store, device(2))
    store.close()
    (place / "changes.txt").unlink()
    assert fitting(place) == fitting(place) == ["urn:d:1", "urn:d:2"]
    assert len(scans) == 2


def test_an_index_that_followed_leaves_what_it_knows(place: Path, scans: list[int]) -> None:
    store = open_store(place)
    index = Index.load(store)
    put(store, device(3))
    index.update("urn:d:3")
    store.upsert({}, [NamedNode("urn:d:1")])
    index.update("urn:d:1")
    index.keep()
    store.close()
    assert fitting(place) == ["urn:d:3"]
    assert len(scans) == 1


def test_a_sensor_that_is_new_is_scanned_for(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    gas = Model("urn:m:2", "gas", sensors=frozenset({"urn:example:sensor:Gas"}))
    store.upsert({NamedNode(gas.iri): model_facts(gas)})
    found = Index.load(store, model="urn:m:2").devices_for("urn:m:2")
    assert found.fitting == 0 and "no gas" in found[0].reasons
    store.close()


@pytest.mark.parametrize("content", [b"", b"PK", b"nonsense" * 99])
def test_a_damaged_file_only_costs_a_scan(place: Path, content: bytes, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    (place / "matching.npz").write_bytes(content)
    assert fitting(place) == fitting(place) == ["urn:d:1"]
    assert len(scans) == 2


def test_every_flipped_byte_is_noticed_or_does_nothing(place: Path) -> None:
    assert fitting(place) == ["urn:d:1"]
    path = place / "matching.npz"
    good = path.read_bytes()
    for at in range(0, len(good), 37):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        assert fitting(place) == ["urn:d:1"]


def test_a_folder_that_cannot_be_written_to_is_scanned(
    place: Path, scans: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "not yours")

    monkeypatch.setattr("tinylearn.registry.matching.kept_columns.write_file", refuse)
    assert fitting(place) == fitting(place) == ["urn:d:1"]
    assert len(scans) == 2 and not (place / "matching.npz").exists()


def test_a_few_changes_from_the_command_line_need_no_scan(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    gas = Model("urn:m:2", "gas", sensors=frozenset({"urn:example:sensor:Gas"}))
    store.upsert(
        {NamedNode("urn:d:3"): flat_facts(device(3)), NamedNode(gas.iri): model_facts(gas)},
        [NamedNode("urn:d:1")],
    )
    store.close()
    assert fitting(place) == ["urn:d:3"] and len(scans) == 1
    done("registry", "--store", place, "delete", "urn:d:3")
    assert fitting(place) == [] and len(scans) == 1


def test_what_the_command_line_brings_is_kept_for_the_first_question(
    place: Path, tmp_path: Path, scans: list[int]
) -> None:
    dump, other, again = tmp_path / "all.nq", tmp_path / "other", tmp_path / "again"
    store = open_store(place)
    put(store, *(device(number) for number in range(3, 1500)))
    store.close()
    done("registry", "--store", place, "export", "-o", dump)
    done("registry", "--store", other, "import", dump)
    done("registry", "--store", again, "restore", dump)
    scans.clear()
    assert len(fitting(other)) == len(fitting(again)) == 1498 and not scans


def test_graphs_of_a_dump_are_not_missed_beside_others(place: Path, tmp_path: Path) -> None:
    """They were: what came in exported files was not among what the columns were brought up to date by."""
    assert fitting(place) == ["urn:d:1"]
    dump, foreign = tmp_path / "all.nq", tmp_path / "foreign"
    store = open_store(foreign)
    put(store, device(2), device(3))
    store.close()
    done("registry", "--store", foreign, "export", "-o", dump)
    done("registry", "--store", place, "import", "--targets", dump)
    assert {"urn:d:1", "urn:d:2", "urn:d:3"} <= set(fitting(place))


def described(table: DeviceTable) -> set[object]:
    return {
        replace(known, sensors=known.sensors & SENSORS)
        for known in (table.device(number) for number in table.numbers)
    }


SENSORS = frozenset({CAMERA, "urn:example:sensor:Gas"})


def check_current(place: Path) -> None:
    """What is followed equals what a scan finds."""
    store = open_store(place, create=False, read_only=True)
    found = current_devices(store, SENSORS, store.revision())
    assert described(found) == described(scan_devices(store, Terms(SENSORS)))
    store.close()


@pytest.mark.parametrize("seed", range(3))
def test_columns_follow_whatever_is_written(place: Path, seed: int, scans: list[int]) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        store = open_store(place)
        for _ in range(chance.randrange(4)):
            some = [device(n, chance.randrange(9000)) for n in chance.sample(range(900), 3)]
            some = [
                replace(one, sensors=frozenset(chance.sample(sorted(SENSORS), 1))) for one in some
            ]
            gone = [NamedNode(f"urn:d:{n}") for n in chance.sample(range(900, 999), 5)]
            store.upsert({NamedNode(one.iri): flat_facts(one) for one in some}, gone)
        if chance.random() < 0.3:
            put(store, *(device(n, chance.randrange(9000)) for n in range(200, 800)))
        if chance.random() < 0.2:
            keep_up(store)
        store.close()
        if chance.random() < 0.7:
            check_current(place)
    check_current(place)
    assert len(scans) <= 1


def test_columns_are_right_however_a_writer_is_killed(tmp_path: Path) -> None:
    place, chance, told = tmp_path / "registry", random.Random(9), 0
    for number in range(10):
        mode = "bulk" if number % 5 == 4 else "upserts"
        told = write_and_kill(mode, place, told + 1, chance.uniform(0, 0.1))
        check_current(place)
