"""Numbers with units, as QUDT, schema.org and the Ontology of Units of Measure write them."""

from __future__ import annotations

from enum import Enum

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.store.base import Term
from tinylearn.registry.triples import Description, Node
from tinylearn.registry.vocabulary import OM, QUDT, SCHEMA, UNIT, XSD

NUMERIC_VALUE = NamedNode(QUDT + "numericValue")
QUDT_UNIT = NamedNode(QUDT + "unit")
VALUES = (
    NUMERIC_VALUE,
    NamedNode(QUDT + "value"),
    NamedNode(SCHEMA + "value"),
    NamedNode(SCHEMA + "minValue"),
)
UNITS = (QUDT_UNIT, NamedNode(QUDT + "hasUnit"), NamedNode(SCHEMA + "unitCode"))


class Dimension(Enum):
    """What is measured; the value is the QUDT unit that we write it in."""

    BYTES = UNIT + "BYTE"
    HERTZ = UNIT + "HZ"
    WATTS = UNIT + "W"


_KILO, _MEGA, _GIGA = 10**3, 10**6, 10**9

#: unit -> factor to the dimension's own. A kilobyte is 1000 bytes, a kibibyte 1024 (IEC 80000-13).
FACTORS: dict[Dimension, dict[str, float]] = {
    Dimension.BYTES: {
        UNIT + "BYTE": 1, UNIT + "KiloBYTE": _KILO, UNIT + "KibiBYTE": 2**10,
        UNIT + "MegaBYTE": _MEGA, UNIT + "MebiBYTE": 2**20, UNIT + "GigaBYTE": _GIGA,
        UNIT + "GibiBYTE": 2**30, OM + "byte": 1, OM + "kilobyte": _KILO, OM + "kibibyte": 2**10,
        OM + "megabyte": _MEGA, OM + "mebibyte": 2**20, OM + "gigabyte": _GIGA, OM + "gibibyte": 2**30,
    },
    Dimension.HERTZ: {
        UNIT + "HZ": 1, UNIT + "KiloHZ": _KILO, UNIT + "MegaHZ": _MEGA, UNIT + "GigaHZ": _GIGA,
        OM + "hertz": 1, OM + "kilohertz": _KILO, OM + "megahertz": _MEGA, OM + "gigahertz": _GIGA,
    },
    Dimension.WATTS: {
        UNIT + "W": 1, UNIT + "MilliW": 1e-3, UNIT + "MicroW": 1e-6,
        OM + "watt": 1, OM + "milliwatt": 1e-3, OM + "microwatt": 1e-6,
    },
}  # fmt: skip


def quantity(about: Description, node: Term, dimension: Dimension) -> float | None:
    """The number on ``node`` in bytes, Hz or W; None where there is none, or no unit that says how
    it is meant."""
    value = about.number(node, *VALUES)
    units = (_unit(unit) for unit in about.objects(node, *UNITS))
    factors = [FACTORS[dimension][unit] for unit in units if unit in FACTORS[dimension]]
    if value is None or value < 0 or not factors:
        return None
    return value * factors[0]


def whole(value: float | None) -> int | None:
    """Bytes and Hz are counted."""
    return None if value is None else round(value)


def quantity_triples(node: Node, value: float, dimension: Dimension) -> list[Triple]:
    """QUDT's form: numericValue and unit. Bytes and Hz are xsd:integer, W xsd:double."""
    number = Literal(value) if dimension is Dimension.WATTS else _integer(round(value))
    return [
        Triple(node, NUMERIC_VALUE, number),
        Triple(node, QUDT_UNIT, NamedNode(dimension.value)),
    ]


def _integer(value: int) -> Literal:
    return Literal(str(value), datatype=NamedNode(XSD + "integer"))


def _unit(term: Term) -> str:
    """The unit's IRI; ``om:kilobyte`` and ``unit:BYTE`` as text are understood too."""
    if isinstance(term, Literal):
        for prefix, base in (("om:", OM), ("unit:", UNIT)):
            if term.value.startswith(prefix):
                return base + term.value.removeprefix(prefix)
    return term.value
