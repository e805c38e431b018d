"""Devices from RDF and to it: nested as S3N and SSN do it, flat as matching reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from described import DEVICE, MEMORY, board, triples
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import device_of, flat_facts, is_device, without_flat_facts
from tinylearn.registry.devices.targets import RADIOS, SENSORS
from tinylearn.registry.devices.write import triples_of
from tinylearn.registry.vocabulary import SOSA_EXTEND, TL

_SIZES = st.none() | st.integers(0, 2**40)
_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)

DEVICES = st.builds(
    Device,
    iri=st.sampled_from(["urn:test:a", "https://example.org/b#c"]),
    title=_NAMES,
    ram_bytes=_SIZES,
    flash_bytes=_SIZES,
    core=st.none() | st.sampled_from(["Cortex-M0", "RV32IMC"]),
    fpu=st.none() | st.booleans(),
    dsp=st.none() | st.booleans(),
    clock_hz=_SIZES,
    power_watts=st.none() | st.floats(0, 100, allow_subnormal=False),
    sensors=st.frozensets(st.sampled_from(sorted(SENSORS.values()))),
    target=st.none() | st.just("cortex-m4f"),
    radios=st.frozensets(st.sampled_from(sorted(RADIOS.values()))),
)


@given(DEVICES)
def test_a_device_comes_back_from_its_triples(device: Device) -> None:
    iri, said = NamedNode(device.iri), triples_of(device)
    assert is_device(iri, said)
    assert device_of(iri, said) == device
    nested = without_flat_facts(iri, said)
    assert replace(device_of(iri, nested), target=device.target) == device
    named = replace(device, title=device.iri)  # the title is the Thing's, no flat fact
    assert device_of(iri, flat_facts(device)) == named


def test_two_devices_share_no_blank_node() -> None:
    first, second = (triples_of(Device(f"urn:test:{n}", "x", 4096, 65536)) for n in "ab")
    assert not {t.subject for t in first} & {t.subject for t in second}
    assert triples_of(Device("urn:test:a", "x", 4096, 65536)) == first


@pytest.mark.parametrize(
    ("size", "in_bytes"),
    [
        ("qudt:numericValue 262144 ; qudt:unit unit:BYTE", 262144),
        ("qudt:numericValue 256 ; qudt:unit unit:KibiBYTE", 262144),
        ("qudt:numericValue 1.5 ; qudt:unit unit:MegaBYTE", 1_500_000),
        ("schema:value 187 ; schema:unitCode om:kilobyte", 187_000),
        ('schema:value 8.08e0 ; schema:unitCode "om:kilobyte"', 8080),
        ("schema:minValue 2 ; schema:unitCode om:mebibyte", 2 << 20),
        ("schema:value 187", None),
        ("schema:value 187 ; schema:unitCode om:metre", None),
        ('qudt:numericValue "256 kB" ; qudt:unit unit:BYTE', None),
        ("qudt:numericValue -1 ; qudt:unit unit:BYTE", None),
        ('qudt:numericValue "1e999"^^xsd:double ; qudt:unit unit:BYTE', None),
    ],
)
def test_ram_counts_only_with_a_unit_of_bytes(size: str, in_bytes: int | None) -> None:
    said = triples(board(f"ssn-system:hasSystemProperty [ a s3n_extend:RAM ; {size} ]"))
    assert device_of(DEVICE, said).ram_bytes == in_bytes


def test_all_that_hardware_is_described_with() -> None:
    clock = "[ a tl:ClockFrequency ; qudt:numericValue 64 ; qudt:unit unit:MegaHZ ]"
    more = """ssn-system:hasOperatingRange [ ssn-system:hasOperatingProperty
        [ a ssn-system:OperatingPowerRange ; qudt:numericValue 9.9 ; qudt:unit unit:MilliW ] ] ;
      sosa:hosts [ a sosa_extend:Microphone , sosa:Sensor ] ;
      ssn:hasSubSystem [ a tl:WiFi ] , [ a ssn:System ; ssn:hasSubSystem [ a sosa_extend:Camera ] ] ;"""
    core = 'tl:core "Cortex-M4F" ; tl:fpu true ; tl:dsp false ;'
    device = device_of(DEVICE, triples(board(f"{MEMORY} , {clock}", core, more)))
    assert device == Device(
        DEVICE.value, "board", 262144, 1048576, "Cortex-M4F", True, False, 64_000_000,
        pytest.approx(0.0099),  # type: ignore[arg-type]
        frozenset({SOSA_EXTEND + "Microphone", SOSA_EXTEND + "Camera"}),
        radios=frozenset({TL + "WiFi"}),
    )  # fmt: skip


def test_a_flat_fact_goes_before_the_nested_one() -> None:
    device = device_of(DEVICE, triples(board(more="tl:flashBytes 1000000 ;")))
    assert (device.flash_bytes, device.ram_bytes) == (1_000_000, 262144)


def test_of_several_microcontrollers_the_one_with_most_ram_counts() -> None:
    small = "ssn-system:hasSystemProperty [ a s3n_extend:RAM ; schema:value 8 ; schema:unitCode om:kilobyte ]"
    other = f'ssn:hasSubSystem [ a s3n:MicroController ; tl:core "AVR" ; s3n:hasSystemCapability [ {small} ] ] ;'
    assert device_of(DEVICE, triples(board(more=other))).core == "Cortex-M4F"


def test_a_plain_thing_is_no_device_and_circles_end() -> None:
    thing = "<urn:test:device> a td:Thing ; td:title 'lamp' ; ssn:hasSubSystem <urn:test:device> ."
    assert not is_device(DEVICE, triples(thing))
    assert device_of(DEVICE, triples(thing)) == Device(DEVICE.value, "lamp")


def test_a_core_that_nobody_knows_is_none() -> None:
    assert device_of(DEVICE, triples(board(core='tl:core "unknown" ;'))).core is None
