"""RDF -> what is known of a device, from flat facts or from the nested form of S3N and SSN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.devices import terms
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.quantities import Dimension, quantity, whole
from tinylearn.registry.store.base import Term
from tinylearn.registry.triples import Description, Node
from tinylearn.registry.vocabulary import DCTERMS, RDFS, S3N, SCHEMA, SMART_SENSOR, TD, TYPE, XSD

_TITLES = tuple(
    NamedNode(iri) for iri in (TD + "title", DCTERMS + "title", SCHEMA + "name", RDFS + "label")
)


def device_of(iri: NamedNode, triples: Iterable[Triple]) -> Device:
    """What the triples say of a device. A flat fact goes before the nested one."""
    about = Description(triples)
    parts = list(about.below(iri, terms.HAS_SUB_SYSTEM, terms.HOSTS))
    controller = _controller(about, parts)
    return Device(
        iri.value,
        title=about.text(iri, *_TITLES) or iri.value,
        ram_bytes=_size(about, iri, controller, terms.RAM_BYTES, terms.RAM),
        flash_bytes=_size(about, iri, controller, terms.FLASH_BYTES, terms.FLASH),
        core=_core(about, iri, controller),
        fpu=_truth(about, iri, controller, terms.FPU),
        dsp=_truth(about, iri, controller, terms.DSP),
        clock_hz=_clock(about, iri, controller),
        power_watts=_power(about, [iri, *parts]),
        sensors=_classes(about, iri, parts, terms.HAS_SENSOR, terms.is_sensor),
        target=about.text(iri, terms.TARGET),
        radios=_classes(about, iri, parts, terms.HAS_RADIO, terms.is_radio),
    )


def is_device(iri: NamedNode, triples: Iterable[Triple]) -> bool:
    """Whether the triples say that it is a smart sensor, has a microcontroller, or how much memory
    a program may use. A plain Thing is none."""
    about = Description(triples)
    if S3N + "SmartSensor" in about.types(iri) or about.objects(iri, *terms.FLAT):
        return True
    parts = about.below(iri, terms.HAS_SUB_SYSTEM, terms.HOSTS)
    return any(terms.MICRO_CONTROLLER in about.types(part) for part in parts)


def flat_facts(device: Device) -> list[Triple]:
    """The facts that matching reads, on the device itself, and that it is a smart sensor."""
    iri = NamedNode(device.iri)
    values: list[tuple[NamedNode, Literal | NamedNode | None]] = [
        (TYPE, SMART_SENSOR),
        (terms.RAM_BYTES, _integer(device.ram_bytes)),
        (terms.FLASH_BYTES, _integer(device.flash_bytes)),
        (terms.CLOCK_HZ, _integer(device.clock_hz)),
        (terms.POWER_WATTS, _double(device.power_watts)),
        (terms.CORE, Literal(device.core) if device.core else None),
        (terms.FPU, None if device.fpu is None else Literal(device.fpu)),
        (terms.DSP, None if device.dsp is None else Literal(device.dsp)),
        (terms.TARGET, Literal(device.target) if device.target else None),
        *((terms.HAS_SENSOR, NamedNode(sensor)) for sensor in sorted(device.sensors)),
        *((terms.HAS_RADIO, NamedNode(radio)) for radio in sorted(device.radios)),
    ]
    return [Triple(iri, predicate, value) for predicate, value in values if value is not None]


def without_flat_facts(iri: NamedNode, triples: Iterable[Triple]) -> list[Triple]:
    """The triples but for flat facts on the device, which are to be written anew."""
    flat = set(terms.FLAT)
    return [t for t in triples if t.subject != iri or t.predicate not in flat]


def _controller(about: Description, parts: Sequence[Node]) -> Node | None:
    """The microcontroller; of several the one with most RAM."""
    found = [part for part in parts if terms.MICRO_CONTROLLER in about.types(part)]
    return max(found, key=lambda part: _memory(about, part, terms.RAM) or 0, default=None)


def _properties(about: Description, controller: Term | None, of_class: str) -> list[Node]:
    if controller is None:
        return []
    capabilities = about.nodes(controller, *terms.CAPABILITIES)
    found = [p for c in capabilities for p in about.nodes(c, terms.HAS_PROPERTY)]
    return [node for node in found if of_class in about.types(node)]


def _memory(about: Description, controller: Term | None, of_class: str) -> int | None:
    """Bytes of all memories of a class together."""
    found = [
        quantity(about, node, Dimension.BYTES) for node in _properties(about, controller, of_class)
    ]
    known = [value for value in found if value is not None]
    return whole(sum(known)) if known else None


def _size(
    about: Description, iri: NamedNode, controller: Node | None, flat: NamedNode, of_class: str
) -> int | None:
    stated = about.number(iri, flat)
    return _memory(about, controller, of_class) if stated is None else whole(stated)


def _core(about: Description, iri: NamedNode, controller: Node | None) -> str | None:
    text = about.text(iri, terms.CORE) or (about.text(controller, terms.CORE) if controller else "")
    return None if text in (None, "", terms.UNKNOWN_CORE) else text


def _truth(
    about: Description, iri: NamedNode, controller: Node | None, flat: NamedNode
) -> bool | None:
    stated = about.truth(iri, flat)
    return about.truth(controller, flat) if stated is None and controller else stated


def _clock(about: Description, iri: NamedNode, controller: Node | None) -> int | None:
    stated = about.number(iri, terms.CLOCK_HZ)
    nodes = _properties(about, controller, terms.CLOCK)
    found = [stated, *(quantity(about, node, Dimension.HERTZ) for node in nodes)]
    return whole(next((value for value in found if value is not None), None))


def _power(about: Description, parts: Sequence[Node]) -> float | None:
    """W, of the device itself before that of its parts."""
    for part in parts:
        stated = about.number(part, terms.POWER_WATTS)
        ranges = about.nodes(part, terms.HAS_RANGE)
        nodes = [p for r in ranges for p in about.nodes(r, terms.HAS_RANGE_PROPERTY)]
        powers = [node for node in nodes if terms.POWER in about.types(node)]
        found = [stated, *(quantity(about, node, Dimension.WATTS) for node in powers)]
        known = next((value for value in found if value is not None), None)
        if known is not None:
            return known
    return None


def _classes(about: Description, iri: NamedNode, parts: Sequence[Node], flat: NamedNode,
             wanted: terms.Wanted) -> frozenset[str]:  # fmt: skip
    """Classes of the parts that are wanted; what is flat counts as well."""
    stated = {node.value for node in about.nodes(iri, flat) if isinstance(node, NamedNode)}
    types = (about.types(part) for part in parts)
    return frozenset(stated.union(*(t - terms.GENERIC for t in types if wanted(t))))


def _integer(value: int | None) -> Literal | None:
    return None if value is None else Literal(str(value), datatype=NamedNode(XSD + "integer"))


def _double(value: float | None) -> Literal | None:
    return None if value is None else Literal(float(value))
