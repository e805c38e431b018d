"""One device or model of a store, by its IRI."""

from __future__ import annotations

from collections.abc import Sequence

from pyoxigraph import NamedNode, Triple

from tinylearn.errors import BadInputError
from tinylearn.registry.devices.facts import Device
from tinylearn.registry.devices.read import device_of, is_device
from tinylearn.registry.models.facts import Model
from tinylearn.registry.models.read import is_model, model_of
from tinylearn.registry.store.base import GraphStore


def read_device(store: GraphStore, iri: str) -> Device:
    """Raises BadInputError where no device of that IRI is registered."""
    name = _named(iri, "device")
    triples = store.graph(name)
    if not is_device(name, triples):
        raise BadInputError(f"{iri}: no such device is registered")
    return device_of(name, triples)


def read_model(store: GraphStore, iri: str) -> Model:
    """Raises BadInputError where no model of that IRI is registered."""
    return read_model_of(iri, store.graph(_named(iri, "model")))


def read_model_of(iri: str, triples: Sequence[Triple]) -> Model:
    """From its graph; raises BadInputError where that is no model's."""
    name = _named(iri, "model")
    if not is_model(name, triples):
        raise BadInputError(f"{iri}: no such model is registered")
    return model_of(name, triples)


def _named(iri: str, kind: str) -> NamedNode:
    try:
        return NamedNode(iri)
    except ValueError:
        raise BadInputError(f"{iri[:100]!r}: no {kind} can have this for its IRI") from None
