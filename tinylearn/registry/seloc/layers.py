"""Indices of layers that count the first layer twice."""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.seloc.defects import Found
from tinylearn.registry.seloc.literals import integer
from tinylearn.registry.triples import Description
from tinylearn.registry.vocabulary import NNET

_INDEX = NamedNode(NNET + "hasIndex")
_MIDDLE, _INPUT, _OUTPUT = (
    NamedNode(NNET + name) for name in ("middleLayer", "inputLayer", "outputLayer")
)


def mend_layers(triples: list[Triple], found: Found) -> list[Triple]:
    """Middle layers that begin at the index of the input layer move up by one, if the output layer's
    index shows that this was meant."""
    about = Description(triples)
    network = NamedNode(found.subject)
    middle = about.nodes(network, _MIDDLE)
    first = [about.number(node, _INDEX) for node in about.nodes(network, _INPUT)]
    last = [about.number(node, _INDEX) for node in about.nodes(network, _OUTPUT)]
    found_middle = sorted(about.number(node, _INDEX) or 0 for node in middle)
    if first != [1] or found_middle != list(range(1, len(middle) + 1)) or last != [len(middle) + 2]:
        return triples
    if not middle:
        return triples
    found.add(
        "middle layers begin at the input layer's index",
        f"middleLayer 1 to {len(middle)}, outputLayer {len(middle) + 2}", "index + 1",
    )  # fmt: skip
    return [_moved(triple) if triple.subject in middle else triple for triple in triples]


def _moved(triple: Triple) -> Triple:
    if triple.predicate != _INDEX or not isinstance(triple.object, Literal):
        return triple
    return Triple(triple.subject, _INDEX, integer(int(triple.object.value) + 1))
