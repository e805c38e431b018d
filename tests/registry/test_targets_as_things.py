"""Every target can be registered: a valid Thing Description with its true hardware."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.devices.read import device_of, without_flat_facts
from tinylearn.registry.devices.targets import IRI, device_of_target, thing_of_target
from tinylearn.registry.devices.write import triples_of
from tinylearn.registry.names import short
from tinylearn.registry.td.document import check_td, to_triples
from tinylearn.registry.validation import check
from tinylearn.targets import all_targets, find
from tinylearn.targets.target import Target

TARGETS = all_targets()


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_a_target_is_a_valid_thing_that_says_what_the_target_says(target: Target) -> None:
    td = check_td(thing_of_target(target))
    iri, said = NamedNode(str(td.id)), to_triples(td)
    assert device_of(iri, said) == device_of_target(target)
    assert check({iri: said}) == []


def test_the_document_and_the_triples_of_a_device_say_the_same_of_its_parts() -> None:
    target = find("arduino-nano-33-ble-sense")
    device = device_of_target(target)
    iri = NamedNode(device.iri)
    of_document = _said(iri, to_triples(check_td(thing_of_target(target))))
    of_device = _said(iri, without_flat_facts(iri, triples_of(device)))
    assert of_device and of_device <= of_document


def _said(iri: NamedNode, triples: Iterable[Triple]) -> Counter[tuple[str, object]]:
    """What is said of all parts, whatever they are called."""
    return Counter((t.predicate.value, _value(t.object)) for t in triples if t.subject != iri)


def _value(term: object) -> object:
    """Numbers whatever their spelling."""
    if isinstance(term, Literal) and term.datatype.value.endswith("double"):
        return float(term.value)
    return "a part" if isinstance(term, BlankNode) else str(term)


def test_boards_have_the_sensors_and_radios_that_are_on_them() -> None:
    sensors = {t.name: {short(s) for s in device_of_target(t).sensors} for t in TARGETS}
    assert sensors["arduino-nano-33-ble"] == {"Accelerometer", "Gyroscope", "Magnetometer"}
    assert sensors["arduino-nano-33-ble-sense"] >= {"Microphone", "Thermometer", "Barometer"}
    assert sensors["raspberry-pi-pico"] == sensors["nucleo-f446re"] == set()
    assert device_of_target(find("esp32-c3")).radios
    assert not any(sensors[t.name] for t in TARGETS if t.emulator)


def test_flash_is_what_a_program_may_use() -> None:
    device = device_of_target(find("cortex-m4f"))
    assert device.flash_bytes == find("cortex-m4f").program_bytes < find("cortex-m4f").flash_bytes
    assert device.iri == f"{IRI}cortex-m4f"
