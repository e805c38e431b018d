"""Small graphs, and whether two are the same but for the labels of blank nodes."""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    Triple,
)

from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE, tl

KNOWS, NAME = NamedNode("urn:test:knows"), NamedNode("urn:test:name")


def device(number: int, version: int = 0) -> tuple[NamedNode, list[Triple]]:
    """A device with a blank node, whose label all of them share; all of it tells the version."""
    name, part = NamedNode(f"urn:test:device:{number}"), BlankNode("part")
    return name, [
        Triple(name, TYPE, SMART_SENSOR),
        Triple(name, tl("ramBytes"), Literal(version)),
        Triple(name, KNOWS, part),
        Triple(part, NAME, Literal(f"part of {number}, {version}")),
    ]


def quads(*graphs: tuple[NamedNode, list[Triple]]) -> list[Quad]:
    """The same as quads."""
    return [Quad(*triple, name) for name, triples in graphs for triple in triples]


def canonical(triples: Iterable[Triple]) -> set[str]:
    """Equal for isomorphic graphs (RDFC-1.0)."""
    dataset = Dataset(Quad(*triple) for triple in triples)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return {str(quad) for quad in dataset}
