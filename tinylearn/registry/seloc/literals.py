"""Literals that are not of the type that their property wants."""

from __future__ import annotations

import re
from math import prod

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.seloc.iris import local
from tinylearn.registry.triples import number
from tinylearn.registry.vocabulary import NNET, SCHEMA, XSD, tl

_COUNTS = frozenset({NNET + "hasMultiplyAccumulateOps", NNET + "hasIndex"})
_SHAPES = frozenset({NNET + "shapeIn", NNET + "shapeOut"})
_DATES = frozenset({SCHEMA + "dateCreated", SCHEMA + "dateModified", SCHEMA + "datePublished"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_SHAPE = re.compile(r"[\[(]?\s*\d{1,18}(?:[\s,]+\d{1,18})*,?\s*[\])]?")


def mend_literals(triples: list[Triple], found: Found) -> list[Triple]:
    """Counts as xsd:integer, dates as xsd:date, shapes as numbers of elements, no accuracy of 0."""
    mended = []
    for triple in triples:
        name = triple.predicate.value
        if not isinstance(triple.object, Literal):
            mended.append(triple)
        elif name in _SHAPES:
            mended += _shape(triple, triple.object, found)
        elif name == NNET + "hasMetricValue" and number(triple.object) == 0:
            found.add("metric of 0 for one that nobody measured", "hasMetricValue 0", "left out")
        else:
            mended.append(_typed(triple, triple.object, found))
    return mended


def integer(value: int) -> Literal:
    """An xsd:integer, as counts are written."""
    return Literal(str(value), datatype=NamedNode(XSD + "integer"))


def _typed(triple: Triple, value: Literal, found: Found) -> Triple:
    name = triple.predicate.value
    better = None
    if name in _COUNTS and value.datatype.value != XSD + "integer":
        known = number(value)
        better = integer(int(known)) if known is not None and known == int(known) else None
    elif name in _DATES and value.datatype.value == XSD + "string" and _DATE.fullmatch(value.value):
        better = Literal(value.value, datatype=NamedNode(XSD + "date"))
    if better is None:
        return triple
    was = value.datatype.value.removeprefix(XSD)
    now = better.datatype.value.removeprefix(XSD)
    found.add(f"xsd:{was} for xsd:{now}", f"{local(triple.predicate)} {value.value}", f"xsd:{now}")
    return Triple(triple.subject, triple.predicate, better)


def _shape(triple: Triple, value: Literal, found: Found) -> list[Triple]:
    """``"[  1 32 32 3]"`` -> 3072 elements, and 32x32x3: without the batch, which is 1."""
    if value.datatype.value == XSD + "integer":
        return [triple]
    text = f'{local(triple.predicate)} "{value.value}"'
    if len(value.value) > 1000 or not _SHAPE.fullmatch(value.value.strip()):
        found.add("shape as text", text)
        return [triple]
    sizes = [int(size) for size in re.findall(r"\d{1,18}", value.value)]
    inner = sizes[1:] if len(sizes) > 1 and sizes[0] == 1 else sizes
    found.add("shape as text", text, f"the number of elements, and tl:{local(triple.predicate)}")
    shape = Literal("x".join(map(str, inner)))
    return [
        Triple(triple.subject, triple.predicate, integer(prod(inner))),
        Triple(triple.subject, tl(local(triple.predicate)), shape),
    ]
