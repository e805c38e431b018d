"""Columns that are kept in the store's folder: used where they hold, and never where they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pyoxigraph import NamedNode

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from cli_tools import done

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import flat_facts
from tinylearn.registry.matching import index as of_index
from tinylearn.registry.matching.follow import follow
from tinylearn.registry.matching.index import Index
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


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each scan of the devices."""
    counted, scan = list[int](), of_index.scan_devices

    def counting(*args: object) -> object:
        counted.append(1)
        return scan(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(of_index, "scan_devices", counting)
    return counted


def fitting(place: Path) -> list[str]:
    store = open_store(place, create=False, read_only=True)
    found = Index.load(store, model=MODEL.iri).devices_for(MODEL.iri)
    store.close()
    return [one.device for one in found[: found.fitting]]


def test_a_second_start_does_not_scan(place: Path, scans: list[int]) -> None:
    assert fitting(place) == fitting(place) == ["urn:d:1"]
    assert len(scans) == 1


def test_what_was_written_since_is_seen(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    put(store, device(2), device(3))
    store.upsert({}, [NamedNode("urn:d:1")])
    store.close()
    assert fitting(place) == fitting(place) == ["urn:d:2", "urn:d:3"]
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


def test_a_few_changes_from_the_command_line_are_followed(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    before = store.revision()
    gas = Model("urn:m:2", "gas", sensors=frozenset({"urn:example:sensor:Gas"}))
    store.upsert(
        {NamedNode("urn:d:3"): flat_facts(device(3)), NamedNode(gas.iri): model_facts(gas)},
        [NamedNode("urn:d:1")],
    )
    follow(store, before, ["urn:d:1", "urn:d:3", gas.iri])
    store.close()
    assert fitting(place) == ["urn:d:3"] and len(scans) == 1
    done("registry", "--store", place, "delete", "urn:d:3")
    assert fitting(place) == [] and len(scans) == 1


def test_many_changes_are_scanned_for_at_once(place: Path, scans: list[int]) -> None:
    store = open_store(place)
    before = store.revision()
    many = [device(number) for number in range(3, 1500)]
    put(store, *many)
    follow(store, before, [one.iri for one in many])
    store.close()
    assert len(fitting(place)) == 1498 and len(scans) == 1


def test_changes_that_were_missed_are_not_built_upon(place: Path, scans: list[int]) -> None:
    assert fitting(place) == ["urn:d:1"]
    store = open_store(place)
    put(store, device(2))
    before = store.revision()
    put(store, device(3))
    follow(store, before, ["urn:d:3"])
    store.close()
    assert fitting(place) == ["urn:d:1", "urn:d:2", "urn:d:3"] and len(scans) == 2
