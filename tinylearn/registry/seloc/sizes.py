"""Memory without QUDT's number of bytes, and sizes that cannot be true."""

from __future__ import annotations

from pyoxigraph import Literal, Triple

from tinylearn.registry.devices import terms
from tinylearn.registry.devices.quantities import (
    NUMERIC_VALUE,
    UNITS,
    VALUES,
    Dimension,
    quantity,
    quantity_triples,
)
from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.triples import Description, Node

#: bytes of memory that no microcontroller has
IMPLAUSIBLE = 64 * 2**20


def mend_sizes(triples: list[Triple], found: Found) -> list[Triple]:
    """Writes bytes beside other units. A number without a unit is left: nobody knows what it means."""
    about = Description(triples)
    added: list[Triple] = []
    for of_class in (terms.RAM, terms.FLASH):
        for node in about.subjects(of_class):
            added += _in_bytes(about, node, of_class, found)
    return [*triples, *added]


def report_sizes(triples: list[Triple], found: Found) -> list[Triple]:
    """Sizes of a microcontroller that are likely bytes taken for kilobytes."""
    about = Description(triples)
    for part in about.subjects(terms.MICRO_CONTROLLER):
        for capability in about.nodes(part, *terms.CAPABILITIES):
            for node in about.nodes(capability, terms.HAS_PROPERTY):
                _report(about, node, found)
    return triples


def mend_core(triples: list[Triple], found: Found) -> list[Triple]:
    """A microcontroller without a core: somebody else's knowledge, so ``unknown`` and a report."""
    about = Description(triples)
    controllers = list(about.subjects(terms.MICRO_CONTROLLER))
    lacking = [node for node in controllers if not about.objects(node, terms.CORE)]
    if any(about.objects(node, terms.CORE) for node in about.subjects()):
        return triples
    for _ in lacking:
        found.add("no core", "s3n:MicroController without tl:core", f'"{terms.UNKNOWN_CORE}"')
    return [*triples, *(Triple(n, terms.CORE, Literal(terms.UNKNOWN_CORE)) for n in lacking)]


def _in_bytes(about: Description, node: Node, of_class: str, found: Found) -> list[Triple]:
    size = quantity(about, node, Dimension.BYTES)
    if about.objects(node, NUMERIC_VALUE) or size is None:
        return []
    value = about.text(node, *VALUES)
    unit = about.objects(node, *UNITS)[0].value.rpartition("/")[2]
    name = of_class.rpartition("/")[2]
    found.add(f"memory in {unit}", f"{name} {value} {unit}", "bytes by QUDT beside it")
    return quantity_triples(node, size, Dimension.BYTES)


def _report(about: Description, node: Node, found: Found) -> None:
    size = quantity(about, node, Dimension.BYTES)
    if size is not None and size > IMPLAUSIBLE:
        found.add(
            "no microcontroller has so much memory",
            f"{', '.join(sorted(t.rpartition('/')[2] for t in about.types(node)))} of {size:,.0f} B",
        )
