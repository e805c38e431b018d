"""The descriptions that the SeLoC-ML authors published: what is in them, mended and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.shared import folder

from tinylearn.registry.catalog import Catalog
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.importing.files import found
from tinylearn.registry.importing.importer import Importer, Report
from tinylearn.registry.models.facts import Mode, Model
from tinylearn.registry.seloc.iris import DEPRECATED
from tinylearn.registry.seloc.mend import mended
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.open import open_store
from tinylearn.registry.validation import check

#: fits of the devices that the authors began with, all sensors of a model required
FITS = {"Arduino-Nano-BLE-33-Tinyml-Kit_1": 21, "Arduino-Nano-BLE-33_1": 19,
        "Syntiant-TinyML-Board_1": 16, "adafruit_tflite_micro_kit_1": 12, "SSI-Web_1": 8,
        "Adafruit-Pybadge_1": 2}  # fmt: skip

#: what is wrong in the published files: file, kind, how many times
DEFECTS = {
    ("ms200.ttl", "stray colon"): 1,
    ("ms200.ttl", "baseURI of another resource"): 1,
    ("targetV.ttl", "form of another device"): 1,
    ("targetV.ttl", "no microcontroller has so much memory"): 2,
    ("targetV.ttl", "memory in kilobyte"): 2,
    ("adafruit_pyBadge.ttl", "language tag on what machines read"): 6,
    ("adafruit_pyBadge.ttl", "no core"): 1,
    ("models.ttl", "double slash"): 23,
    ("models.ttl", "placeholder"): 3 + 1 + 5,  # data sets, a citation, sensors
    ("models.ttl", "IRI without a scheme"): 1,
    ("models.ttl", "shape as text"): 46,
    ("models.ttl", "xsd:double for xsd:integer"): 23,
    ("models.ttl", "middle layers begin at the input layer's index"): 23,
    ("models.ttl", "metric of 0 for one that nobody measured"): 12,
    ("S3NThing.ttl", "old namespace"): 6,
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GraphStore, Report]]:
    files = list(found(folder("rdf") / "seloc-ml"))
    store = open_store(tmp_path_factory.mktemp("seloc") / "registry")
    yield store, Importer(store).add(files)
    store.close()


def test_nine_devices_and_23_models_are_registered(published: tuple[GraphStore, Report]) -> None:
    store, report = published
    assert report.refused == []
    assert report.counts() == {"device": 9, "model": 23, "vocabulary": 9}
    catalog = Catalog(store)
    assert (len(list(catalog.devices())), len(list(catalog.models()))) == (9, 23)
    assert catalog.count() == 9  # each with a valid Thing Description


@pytest.mark.parametrize(("query", "rows"), [("query_1", 2), ("query_2", 2), ("query_3", 4)])
def test_the_authors_queries_find_what_they_found(
    published: tuple[GraphStore, Report], query: str, rows: int
) -> None:
    text = (folder("rdf") / "seloc-ml" / "queries" / f"{query}.rq").read_text()
    for old, new in DEPRECATED.items():
        text = text.replace(old, new)
    assert len(published[0].select(text)) == rows


def test_78_of_138_pairs_fit(published: tuple[GraphStore, Report]) -> None:
    catalog = Catalog(published[0])
    models = list(catalog.models())
    fits = {d.title: sum(_fits(d, m) for m in models) for d in catalog.devices() if d.title in FITS}
    assert fits == FITS and sum(fits.values()) == 78


def _fits(device: Device, model: Model) -> bool:
    """The plainest comparison there is."""
    need = model.needs[Mode.INFERENCE]
    assert device.ram_bytes is not None and device.flash_bytes is not None
    return (model.sensors <= device.sensors and need.ram_bytes <= device.ram_bytes
            and need.flash_bytes <= device.flash_bytes)  # fmt: skip


def test_each_defect_is_reported_with_its_file(published: tuple[GraphStore, Report]) -> None:
    counted = Counter((Path(d.file).name, d.kind) for d in published[1].defects)
    assert {key: counted[key] for key in DEFECTS} == DEFECTS
    undefined = {d.detail for d in published[1].defects if d.kind == "undefined term"}
    assert {name for name in undefined if "Relu6" in name or "#Add" in name}


def test_what_was_registered_is_valid_and_has_nothing_more_to_mend(
    published: tuple[GraphStore, Report],
) -> None:
    store = published[0]
    catalog = Catalog(store)
    names = [d.iri for d in catalog.devices()] + [m.iri for m in catalog.models()]
    graphs = {name: store.graph(name) for name in store.names() if name.value in names}
    assert check(graphs) == [] and len(graphs) == 32
    assert not [d for name, g in graphs.items() for d in mended(name, g).defects if d.mend]


def test_accuracy_is_a_part_of_one_or_not_known(published: tuple[GraphStore, Report]) -> None:
    known = {m.title: m.accuracy for m in Catalog(published[0]).models()}
    assert known["Micro_Speech_Yes_No_1"] == pytest.approx(0.921)
    assert known["Hello_World"] is None


def test_importing_again_adds_nothing(published: tuple[GraphStore, Report]) -> None:
    store, first = published
    before = sorted(map(str, store.names()))
    again = Importer(store).add(found(folder("rdf") / "seloc-ml"))
    assert not any(entry.is_new for entry in again.registered)
    assert sorted(map(str, store.names())) == before
    assert again.defects == first.defects
