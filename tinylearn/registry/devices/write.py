"""Device -> RDF: the nested form of S3N and SSN, and the flat facts beside it."""

from __future__ import annotations

from hashlib import sha256

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from tinylearn.registry.devices import terms
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.quantities import Dimension, quantity_triples
from tinylearn.registry.devices.read import flat_facts
from tinylearn.registry.triples import Node
from tinylearn.registry.vocabulary import TD, THING, TYPE


def triples_of(device: Device) -> list[Triple]:
    """All that is known of the device. Nodes in between are blank, their names are of the device and
    its IRI: the same device gives the same triples, and another device others."""
    iri = NamedNode(device.iri)
    parts = [
        *_controller(iri, device),
        *_parts(iri, "sensor", terms.SENSOR, device.sensors),
        *_parts(iri, "radio", terms.COMMUNICATING_SYSTEM, device.radios),
        *_power(iri, device.power_watts),
    ]
    named = [
        Triple(iri, TYPE, THING),
        Triple(iri, NamedNode(TD + "title"), Literal(device.title)),
    ]
    return [*named, *flat_facts(device), *parts]


def _blank(iri: NamedNode, name: str) -> BlankNode:
    return BlankNode(f"d{sha256(iri.value.encode()).hexdigest()[:20]}{name}")


def _controller(iri: NamedNode, device: Device) -> list[Triple]:
    node, capability = _blank(iri, "controller"), _blank(iri, "capability")
    sizes = [
        ("ram", terms.RAM, device.ram_bytes, Dimension.BYTES),
        ("flash", terms.FLASH, device.flash_bytes, Dimension.BYTES),
        ("clock", terms.CLOCK, device.clock_hz, Dimension.HERTZ),
    ]
    truths = [(terms.FPU, device.fpu), (terms.DSP, device.dsp)]
    found = [
        Triple(iri, terms.HAS_SUB_SYSTEM, node),
        Triple(node, TYPE, NamedNode(terms.MICRO_CONTROLLER)),
        Triple(node, terms.CORE, Literal(device.core or terms.UNKNOWN_CORE)),
        *(Triple(node, fact, Literal(value)) for fact, value in truths if value is not None),
        Triple(node, terms.CAPABILITIES[0], capability),
    ]
    for name, of_class, value, dimension in sizes:
        if value is not None:
            found += _property(capability, _blank(iri, name), of_class, value, dimension)
    return found


def _property(
    capability: Node, node: Node, of_class: str, value: float, dimension: Dimension
) -> list[Triple]:
    return [
        Triple(capability, terms.HAS_PROPERTY, node),
        Triple(node, TYPE, NamedNode(of_class)),
        *quantity_triples(node, value, dimension),
    ]


def _parts(iri: NamedNode, name: str, general: str, classes: frozenset[str]) -> list[Triple]:
    found = []
    for number, of_class in enumerate(sorted(classes)):
        node = _blank(iri, f"{name}{number}")
        found += [
            Triple(iri, terms.HAS_SUB_SYSTEM, node),
            Triple(node, TYPE, NamedNode(general)),
            Triple(node, TYPE, NamedNode(of_class)),
        ]
    return found


def _power(iri: NamedNode, watts: float | None) -> list[Triple]:
    if watts is None:
        return []
    span, node = _blank(iri, "range"), _blank(iri, "power")
    return [
        Triple(iri, terms.HAS_RANGE, span),
        Triple(span, terms.HAS_RANGE_PROPERTY, node),
        Triple(node, TYPE, NamedNode(terms.POWER)),
        *quantity_triples(node, watts, Dimension.WATTS),
    ]
