"""Layers, ends and figures of merit of a model, from its triples, whoever has written them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyoxigraph import NamedNode

from tinylearn.directory.api.texts import clipped
from tinylearn.registry.names import short
from tinylearn.registry.store.base import Term
from tinylearn.registry.triples import Description, Node
from tinylearn.registry.vocabulary import MLS, NNET, RDFS, SCHEMA, SSN, tl

Json = dict[str, Any]
_LAYERS = tuple(NamedNode(NNET + name) for name in ("inputLayer", "middleLayer", "outputLayer"))
_INDEX, _KIND = NamedNode(NNET + "hasIndex"), NamedNode(NNET + "hasType")
_ACTIVATION, _QUANTIZATION = (NamedNode(NNET + n) for n in ("hasActivation", "hasQuantization"))
_NAMES = (NamedNode(SCHEMA + "name"), NamedNode(RDFS + "label"))
_METRIC = NamedNode(NNET + "hasMetric")
#: as it was measured, before the ontology's percentage
_VALUES = (NamedNode(MLS + "hasValue"), NamedNode(NNET + "hasMetricValue"))
_MOST_LAYERS = 2000


def layers(about: Description, model: NamedNode) -> list[Json]:
    """In their order; a layer that is both the first and the last is there once."""
    nodes = dict.fromkeys(node for role in _LAYERS for node in about.nodes(model, role))
    places = {node: about.number(node, _INDEX) for node in nodes}
    last = float(len(nodes) + 1)
    inside = sorted(nodes, key=lambda node: last if places[node] is None else places[node] or 0.0)
    return [_layer(about, node) for node in inside[:_MOST_LAYERS]]


def _layer(about: Description, node: Node) -> Json:
    return {
        "name": clipped(about.text(node, *_NAMES)),
        "type": _term(about, node, _KIND),
        "activation": _term(about, node, _ACTIVATION),
        "quantization": _term(about, node, _QUANTIZATION),
        "shapeIn": _shape(about, node, "shapeIn"),
        "shapeOut": _shape(about, node, "shapeOut"),
        "macs": about.number(node, tl("macs")),
        "weightBytes": about.number(node, tl("weightBytes")),
        "learns": about.truth(node, tl("trainable")) is True,
    }


def _shape(about: Description, node: Node, name: str) -> str | None:
    return clipped(about.text(node, tl(name)) or about.text(node, NamedNode(NNET + name)))


def _term(about: Description, node: Term, predicate: NamedNode) -> str | None:
    found = about.nodes(node, predicate)
    return clipped(short(found[0].value) if found else about.text(node, predicate))


def ends(about: Description, model: NamedNode, kind: str) -> list[str]:
    """What goes in (``Input``) or comes out (``Output``), in words."""
    nodes = about.nodes(model, NamedNode(f"{SSN}has{kind}"))
    texts = (about.text(node, NamedNode(f"{NNET}has{kind}Info"), *_NAMES) for node in nodes)
    return sorted(clipped(text) for text in texts if text)[:20]


def metrics(about: Description, model: NamedNode) -> Iterator[Json]:
    """Figures of merit, in the units of who has written them."""
    for node in about.nodes(model, _METRIC)[:50]:
        kinds = sorted(short(name) for name in about.types(node))
        name = about.text(node, *_NAMES) or next(
            (kind for kind in kinds if kind not in ("Metric", "ModelEvaluation")), "metric"
        )
        yield {
            "name": clipped(name),
            "value": about.number(node, *_VALUES),
            "samples": about.number(node, tl("samples")),
            "measuredOn": clipped(about.text(node, tl("measuredOn"))),
        }
