"""All models of a store, by what is flat on them: their layers are left alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from pyoxigraph import Literal, NamedNode, Triple

from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.models import flat
from tinylearn.registry.models.facts import Mode, Model, Need
from tinylearn.registry.models.read import model_of
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import NEURAL_NETWORK, TYPE

#: of a model all that is said of itself; of its needs by target there are many
_MODELS = f"""SELECT ?m ?p ?o {{ GRAPH ?m {{
  ?m {TYPE} {NEURAL_NETWORK} . ?m ?p ?o FILTER (?p != {flat.NEED}) }} }}"""
_RAM, _FLASH, _MACS = flat.sizes()
#: of one target, found by its name
_OF_TARGET = f"""SELECT ?m ?mode ?target ?ram ?flash ?macs ?measured {{ GRAPH ?m {{ VALUES ?target {{ %s }}
  ?n {flat.TARGET} ?target . ?m {flat.NEED} ?n . ?n {flat.MODE} ?mode ; {_RAM} ?ram ; {_FLASH} ?flash .
  OPTIONAL {{ ?n {_MACS} ?macs }} OPTIONAL {{ ?n {flat.MEASURED} ?measured }} }} }}"""


def _scan(variable: str, predicate: NamedNode) -> str:
    return f"{{ SELECT ?m ?n ?{variable} {{ GRAPH ?m {{ ?n {predicate} ?{variable} }} }} }}"


#: of all targets: scans of their own, which engines join by hash instead of looking each one up
_OF_ALL = f"""SELECT ?m ?mode ?target ?ram ?flash ?macs ?measured {{
  {{ SELECT ?m ?n {{ GRAPH ?m {{ ?m {flat.NEED} ?n }} }} }}
  {_scan("mode", flat.MODE)} {_scan("target", flat.TARGET)} {_scan("ram", _RAM)} {_scan("flash", _FLASH)}
  OPTIONAL {_scan("macs", _MACS)} OPTIONAL {_scan("measured", flat.MEASURED)} }}"""


def scan_models(store: GraphStore, target: str | None = None) -> list[Model]:
    """Every model. ``target``: of the needs by target only those of this one are read."""
    of_targets = _needs_of_targets(store, target)
    triples: dict[str, list[Triple]] = defaultdict(list)
    for row in store.select(_MODELS):
        iri = row["m"]
        assert isinstance(iri, NamedNode) and isinstance(row["p"], NamedNode)
        triples[iri.value].append(Triple(iri, row["p"], row["o"]))
    read = (model_of(NamedNode(iri), known) for iri, known in sorted(triples.items()))
    return [replace(model, needs_of_target=of_targets.get(model.iri, {})) for model in read]


def required_sensors(store: GraphStore) -> frozenset[str]:
    """Those that some model reads."""
    query = f"SELECT DISTINCT ?s {{ GRAPH ?m {{ ?m {flat.SENSOR} ?s FILTER (isIRI(?s)) }} }}"
    return frozenset(sensor for (sensor,) in table_of(store.select_csv(query)))


def _needs_of_targets(
    store: GraphStore, target: str | None
) -> dict[str, dict[tuple[Mode, str], Need]]:
    query = _OF_ALL if target is None else _OF_TARGET % Literal(target)
    found: dict[str, dict[tuple[Mode, str], Need]] = defaultdict(dict)
    for iri, mode, name, ram, flash, macs, measured in table_of(store.select_csv(query)):
        need = Need(int(ram), int(flash), int(macs) if macs else None, measured == "true")
        found[iri][Mode(mode), name] = need
    return found
