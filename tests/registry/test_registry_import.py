"""Files of all kinds into a store: each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from described import DEVICE, board, turtle

from tinylearn.errors import BadInputError
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.devices.targets import thing_of_target
from tinylearn.registry.importing.files import found
from tinylearn.registry.importing.importer import Importer, Report
from tinylearn.registry.importing.targets import prepared_targets
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.ontology import root
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.dataset_files import export_dataset
from tinylearn.registry.store.open import open_store
from tinylearn.targets import all_targets

LAMP = {"@context": "https://www.w3.org/2022/wot/td/v1.1", "id": "urn:test:lamp", "title": "Lamp",
        "securityDefinitions": {"s": {"scheme": "nosec"}}, "security": "s"}  # fmt: skip
WITHOUT_CORE = board(core="").replace("test:device", "test:coreless")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[GraphStore]:
    opened = open_store(tmp_path / "registry")
    yield opened
    opened.close()


def put(registry: GraphStore, path: Path, content: bytes | str | object) -> Report:
    """Imports one file of this content."""
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    path.write_bytes(content)
    return Importer(registry).add(found(path))


def refusal(report: Report) -> str:
    """Why the only file was refused; nothing was registered."""
    assert report.registered == [] and report.graphs == 0
    (file,) = report.refused
    return " ".join(file.reasons)


def test_all_targets_become_devices(registry: GraphStore) -> None:
    importer = Importer(registry)
    importer.register([prepared_targets()])
    assert importer.report.counts() == {"device": len(all_targets())}
    catalog = Catalog(registry)
    assert {d.target for d in catalog.devices()} == {t.name for t in all_targets()}
    assert catalog.count() == len(all_targets())


def test_the_examples_have_nothing_to_mend(registry: GraphStore) -> None:
    report = Importer(registry).add(found(root() / "examples"))
    assert (report.counts(), report.defects) == ({"device": 1, "model": 1}, [])
    device, model = next(Catalog(registry).devices()), next(Catalog(registry).models())
    assert device.flash_bytes == 1 << 20 and device.radios and device.clock_hz == 64_000_000
    assert model.sensors < device.sensors and model.needs[Mode.INFERENCE].macs == 7466


def test_a_file_of_turtle_may_hold_several_things(registry: GraphStore, tmp_path: Path) -> None:
    more = "<urn:test:lamp> a td:Thing ; td:title 'Lamp' . <urn:test:note> rdfs:comment 'stray' ."
    report = put(registry, tmp_path / "all.ttl", turtle(board() + more))
    assert [(e.kind, e.iri) for e in report.registered] == [
        ("device", DEVICE.value), ("thing", "urn:test:lamp"),
    ]  # fmt: skip
    assert [d.kind for d in report.defects if "<urn:test:note>" in d.detail] == [
        "belongs to no device, model or thing"
    ]
    assert Catalog(registry).device(DEVICE).core == "Cortex-M4F"


def test_one_thing_that_is_wrong_keeps_its_whole_file_out(
    registry: GraphStore, tmp_path: Path
) -> None:
    wrong = "<urn:test:other> a s3n:SmartSensor ; td:title 'no controller' ."
    why = refusal(put(registry, tmp_path / "two.ttl", turtle(board() + wrong)))
    assert why.startswith("urn:test:other: it has no microcontroller")
    assert registry.names() == []


def test_other_files_of_a_folder_are_registered_all_the_same(
    registry: GraphStore, tmp_path: Path
) -> None:
    for name, content in {"a.jsonld": json.dumps(LAMP), "b.jsonld": "{", "c.ttl": "<x",
                          "d.txt": "hello", "package.json": "{}", ".hidden.ttl": "<x"}.items():  # fmt: skip
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(content)
    report = Importer(registry).add(found(tmp_path / "in"))
    assert [entry.iri for entry in report.registered] == ["urn:test:lamp"]
    assert [Path(file.file).name for file in report.refused] == ["b.jsonld", "c.ttl"]


def test_the_same_thing_in_two_files_is_told(registry: GraphStore, tmp_path: Path) -> None:
    for name, title in (("a", "first"), ("b", "second")):
        (tmp_path / f"{name}.jsonld").write_text(json.dumps({**LAMP, "title": title}))
    report = Importer(registry).add(found(tmp_path))
    assert [d.kind for d in report.defects] == ["described twice"]
    thing = Catalog(registry).thing("urn:test:lamp")
    assert thing is not None and thing.content["title"] == "second"


def test_things_without_a_name_get_the_same_one_each_time(
    registry: GraphStore, tmp_path: Path
) -> None:
    anonymous = {name: value for name, value in LAMP.items() if name != "id"}
    first, second = (put(registry, tmp_path / "a.td.json", anonymous) for _ in range(2))
    assert first.registered[0].iri == second.registered[0].iri
    assert first.registered[0].iri.startswith("urn:uuid:") and not second.registered[0].is_new


def test_a_list_of_things_as_a_directory_gives_it_out(registry: GraphStore, tmp_path: Path) -> None:
    things = [{**LAMP, "id": f"urn:test:{n}"} for n in range(3)]
    assert put(registry, tmp_path / "all.json", things).counts() == {"thing": 3}
    why = refusal(put(registry, tmp_path / "bad.json", [LAMP, {**LAMP, "security": "other"}]))
    assert why.startswith("entry 1 of the list: ")


def test_an_exported_registry_comes_back_as_it_was(registry: GraphStore, tmp_path: Path) -> None:
    put(registry, tmp_path / "a.ttl", turtle(board()))
    put(registry, tmp_path / "b.jsonld", thing_of_target(all_targets()[0]))
    export_dataset(registry, tmp_path / "all.trig")
    other = open_store(tmp_path / "other")
    report = Importer(other).add(found(tmp_path / "all.trig"))
    assert report.counts() == {"graph": 2}
    before, after = Catalog(registry), Catalog(other)
    assert list(after.devices()) == list(before.devices())
    assert after.things() == before.things()
    other.close()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.ttl", "<urn:a> <urn:b> .", "is no valid Turtle"),
        ("a.ttl", "<a> a <urn:b> .", "<a> is relative to nothing; write whole IRIs, or @base"),
        ("a.ttl", "<urn:a> <urn:b> <urn:c> .", "describes nothing to register; a device is a s3n"),
        ("a.ttl", "<urn:a> a <http://www.w3.org/2002/07/owl#Class> . <urn:b#c> a <urn:d> .",
         "a vocabulary without a name"),
        ("a.ttl", "<urn:tinylearn:registry> a <http://w3id.org/s3n/SmartSensor> .",
         "is the registry's own graph"),
        ("a.ttl", WITHOUT_CORE.replace("urn:test:coreless", "urn:x") + "[" * 3, "is no valid Turtle"),
        ("a.ttl", '<!DOCTYPE x [<!ENTITY a "aaaa">]><rdf:RDF>&a;</rdf:RDF>', "is XML; only Turtle"),
        ("a.nq", '<!DOCTYPE x [<!ENTITY a "aaaa">]><rdf:RDF>&a;</rdf:RDF>', "is damaged"),
        ("a.jsonld", '{"@context": ' + "[" * 10_000, "levels deep"),
        ("a.jsonld", "{}", "the Thing Description is not valid"),
        ("a.trig", "<urn:a> <urn:b> <urn:c> .", "is not the name of a graph"),
        ("a.nq", "<urn:a> <urn:b> <urn:c> <urn:d", "is damaged"),
        ("a.nq", "<urn:a> <urn:tinylearn:ns:document> \"{\" <urn:a> .", "is no Thing Description"),
        ("a.nq", "<urn:a> <urn:tinylearn:ns:document> \"{\\\"id\\\": \\\"urn:b\\\"}\" <urn:a> .",
         "is no Thing Description with its id"),
        ("a.nq", "<urn:a> <urn:tinylearn:ns:document> \"{\\\"id\\\": \\\"urn:a\\\", \\\"a\\\": " + "[" * 99 + "]" * 99
         + "}\" <urn:a> .", "is no Thing Description with its id"),
        ("a.tflite", "TFL3", ""),
        ("a_info.json", "{}", ""),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    registry: GraphStore, tmp_path: Path, name: str, content: str, why: str
) -> None:
    assert why in refusal(put(registry, tmp_path / name, content))
    assert registry.names() == []


@pytest.mark.parametrize(
    ("name", "start", "inside", "end", "why"),
    [
        ("a.ttl", "<urn:a> <urn:b> ", "[ <urn:b> ", "", "line 1: is nested more than 64 levels deep"),
        ("a.ttl", "<urn:a> <urn:b> ", "(", "", "line 1: is nested more than 64 levels deep"),
        ("a.ttl", "@prefix a: <urn:> . a:b\\' a:c", "<<( a:d a:e ", "", "line 1: is nested more than 64"),
        ("a.trig", "<urn:a> {\n<urn:a> <urn:b> ", "[ <urn:b> ", "", "line 2: is nested more than 64"),
        ("a.trig", "<urn:a> {\n<urn:a> <urn:b> ", "(", "", "line 2: is nested more than 64"),
        ("a.trig", "<urn:a> { <urn:a> <urn:b> ", "<< <urn:a> <urn:b> ", "", "line 1: is nested"),
        ("a.trig", "<urn:a> { <urn:a> <urn:b> ", "<<( <urn:a> <urn:b> ", "", "line 1: is nested"),
        ("a.trig", "<urn:a> { <urn:a> <urn:b> 1 ", "{| <urn:a> <urn:b> 1 ", "", "line 1: is nested"),
        ("a.nq", "<urn:a> <urn:b> \"c\" <urn:a> .\n", "<<( <urn:a> <urn:b> ", "", "line 2: is nested"),
        ("a.trig", "<urn:a> { <urn:a> <urn:b> \"\"\"", "[(<<" * 500, "", "too long to be read"),
        ("a.ttl", "<urn:a> <urn:b> '", "x" * 2000, "' .", "too long to be read"),
        ("a.nq", "<urn:a> <urn:b> \"", "x" * 2000, "\" <urn:a> .", "too long to be read"),
        ("a.trig", "<urn:a> { <urn:a> <urn:b> '", "x" * 2000, "' }", "too long to be read"),
    ],
)  # fmt: skip
def test_files_without_measure_are_refused(
    registry: GraphStore, tmp_path: Path, name: str, start: str, inside: str, end: str, why: str
) -> None:
    assert why in refusal(put(registry, tmp_path / name, start + inside * 10_000 + end))
    assert registry.names() == []


@pytest.mark.parametrize("name", ["a.rdf", "a.owl", "a.xml", "a"])
def test_kinds_of_files_that_are_not_read_at_all(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<rdf:RDF/>")
    with pytest.raises(BadInputError, match=r"cannot be imported; there are .*ttl"):
        list(found(tmp_path / name))
    with pytest.raises(BadInputError, match="no such file"):
        list(found(tmp_path / "nothing.ttl"))


def test_what_only_the_registry_says_cannot_come_from_outside(
    registry: GraphStore, tmp_path: Path
) -> None:
    put(registry, tmp_path / "a.ttl", turtle(board(more='tl:document "[]" ; tl:defect "none" ;')))
    thing = Catalog(registry).thing(DEVICE)
    assert thing is not None and thing.content["title"] == "board"
    assert not [t for t in registry.graph(DEVICE) if "defect" in t.predicate.value]


def test_a_device_without_a_valid_thing_description_is_a_device_all_the_same(
    registry: GraphStore, tmp_path: Path
) -> None:
    form = 'td:hasPropertyAffordance [ td:name "x" ; td:hasForm [ ] ] ;'
    report = put(registry, tmp_path / "a.ttl", turtle(board(more=form)))
    assert report.counts() == {"device": 1}
    assert Catalog(registry).device(DEVICE).ram_bytes == 262144
