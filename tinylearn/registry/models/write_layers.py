"""Layers of a model -> RDF, as the NN ontology has them: one input layer, one output layer, and those
in between, with their places counted from 1."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.models.iris import part
from tinylearn.registry.models.layers import End, Layer
from tinylearn.registry.models.terms import (
    ACTIVATIONS,
    LAYER_TYPES,
    QUANTIZATIONS,
    double,
    integer,
    term,
    text,
)
from tinylearn.registry.vocabulary import NNET, SCHEMA, TYPE, tl

Fact = tuple[NamedNode, Literal | NamedNode]


def _nnet(name: str) -> NamedNode:
    return NamedNode(NNET + name)


def end_facts(end: End) -> Iterator[Fact]:
    """Shape, element type, and what integers stand for."""
    if end.shape:
        yield tl("shape"), text(end.dimensions)
    yield tl("elementType"), text(end.dtype)
    yield from _quantization(end)


def _quantization(end: End) -> Iterator[Fact]:
    if end.scale is not None and end.zero_point is not None:
        yield tl("scale"), double(end.scale)
        yield tl("zeroPoint"), integer(end.zero_point)


def layer_triples(iri: NamedNode, layers: tuple[Layer, ...]) -> Iterator[Triple]:
    """All layers. Of a model with one layer that is both the input and the output layer."""
    for index, layer in enumerate(layers, 1):
        node = part(iri, f"layer-{index}")
        roles = [role for role, at in (("input", 1), ("output", len(layers))) if at == index]
        for role in roles or ["middle"]:
            yield Triple(iri, _nnet(f"{role}Layer"), node)
        yield Triple(node, TYPE, _nnet("Layer"))
        yield Triple(node, _nnet("hasIndex"), integer(index))
        yield from (Triple(node, *fact) for fact in _facts(layer))


def _facts(layer: Layer) -> Iterator[Fact]:
    """The ontology's shapes are numbers, so of elements; the shape itself is ours."""
    yield NamedNode(SCHEMA + "name"), text(layer.name)
    yield _nnet("hasType"), term(layer.kind, LAYER_TYPES)
    if layer.activation is not None:
        yield _nnet("hasActivation"), term(layer.activation, ACTIVATIONS)
    yield _nnet("hasQuantization"), term(layer.result.dtype.capitalize(), QUANTIZATIONS)
    for name, end in (("shapeIn", layer.source), ("shapeOut", layer.result)):
        if end.size is not None:
            yield _nnet(name), integer(end.size)
            yield tl(name), text(end.dimensions)
    yield from _quantization(layer.result)
    for name, count in (("macs", layer.macs), ("weightBytes", layer.weight_bytes)):
        if count:
            yield tl(name), integer(count)
    if layer.learns:
        yield tl("trainable"), Literal(True)
