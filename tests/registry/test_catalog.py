"""What is registered, over both kinds of stores."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from described import board, triples
from pyoxigraph import NamedNode

from tinylearn.errors import BadInputError
from tinylearn.registry.catalog import Catalog
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.targets import device_of_target, thing_of_target
from tinylearn.registry.devices.write import triples_of
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.td.document import check_td
from tinylearn.registry.vocabulary import tl
from tinylearn.targets import find as find_target

LAMP = {"@context": "https://www.w3.org/2022/wot/td/v1.1", "id": "urn:test:lamp", "title": "Lamp",
        "securityDefinitions": {"s": {"scheme": "nosec"}}, "security": "s"}  # fmt: skip
THEN = datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_a_thing_comes_back_as_it_came(store: GraphStore) -> None:
    catalog = Catalog(store)
    content = {**LAMP, "registration": {"ttl": 5}, "x": [1.5, None, {"ü": True}]}
    assert catalog.put_thing(check_td(content), created=THEN)
    thing = catalog.thing("urn:test:lamp")
    assert thing is not None and thing.content == {**LAMP, "x": [1.5, None, {"ü": True}]}
    assert thing.created == THEN and thing.modified is not None and thing.modified < THEN
    assert not catalog.put_thing(check_td({**LAMP, "title": "Other"}))
    again = catalog.thing("urn:test:lamp")
    assert again is not None and (again.created, again.content["title"]) == (THEN, "Other")
    assert list(catalog.devices()) == [] and catalog.count() == 1


def test_things_come_in_pages(store: GraphStore) -> None:
    catalog = Catalog(store)
    for number in (3, 1, 2):
        catalog.put_thing(check_td({**LAMP, "id": f"urn:test:{number}"}))
    catalog.put_triples("urn:test:device", triples(board()))  # no Thing Description
    assert [t.iri for t in catalog.things(1, 1)] == ["urn:test:2"]
    assert len(catalog.things()) == catalog.count() == 3
    assert catalog.things(7) == []


def test_a_board_that_came_as_a_thing_is_a_device(store: GraphStore) -> None:
    target = find_target("esp32-c3")
    catalog = Catalog(store)
    catalog.put_thing(check_td(thing_of_target(target)))
    device = device_of_target(target)
    assert catalog.device(device.iri) == device == next(catalog.devices())


def test_hardware_that_cannot_be_is_told_and_never_fits(store: GraphStore) -> None:
    content = {**LAMP, "@context": [LAMP["@context"], {"tl": "urn:tinylearn:ns:"}],
               "tl:ramBytes": 256, "tl:core": "AVR"}  # fmt: skip
    catalog = Catalog(store)
    assert catalog.put_thing(check_td(content))
    graph = store.graph(NamedNode("urn:test:lamp"))
    (defect,) = (t.object.value for t in graph if t.predicate == tl("defect"))  # type: ignore[union-attr]
    assert defect.startswith("256 bytes of RAM: no program runs in so few")
    assert not any(t.predicate == tl("ramBytes") for t in graph)


def test_models_and_devices_of_which_only_facts_are_known(store: GraphStore) -> None:
    catalog = Catalog(store)
    device = Device("urn:test:d", "d", 4096, 65536, sensors=frozenset({"urn:test:Nose"}))
    model = Model("urn:test:m", "m", {Mode.INFERENCE: Need(1000, 2000, 5)}, accuracy=0.5)
    catalog.put_triples(device.iri, triples_of(device))
    catalog.put_model(model, [])
    assert catalog.device("urn:test:d") == device and catalog.model("urn:test:m") == model
    assert list(catalog.devices()) == [device] and list(catalog.models()) == [model]
    assert catalog.delete("urn:test:d") and not catalog.delete("urn:test:d")
    assert list(catalog.devices()) == []


def test_what_is_not_there_is_told(store: GraphStore) -> None:
    catalog = Catalog(store)
    catalog.put_thing(check_td(LAMP))
    assert catalog.thing("urn:test:nothing") is None
    with pytest.raises(BadInputError, match="urn:test:nothing: not registered"):
        catalog.device("urn:test:nothing")
    with pytest.raises(BadInputError, match="is no device"):
        catalog.device("urn:test:lamp")
    with pytest.raises(BadInputError, match="is no model"):
        catalog.model("urn:test:lamp")
    with pytest.raises(BadInputError, match="is not an IRI"):
        catalog.device("a b")
