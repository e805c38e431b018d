"""Some devices of a store, by their IRIs, into columns: each looked up in the engine, so that it costs as much
as there are of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pyoxigraph import NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import columns_of
from tinylearn.registry.matching.device_table import DeviceTable
from tinylearn.registry.matching.fact_columns import FACTS, FactColumns
from tinylearn.registry.matching.terms import WORD, Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE

#: of a query; two run side by side
_AT_ONCE = 5000
_SAID = ", ".join(map(str, (TYPE, terms.HAS_SENSOR, *FACTS.values())))


def some_devices(store: GraphStore, sensors: Terms, iris: Sequence[str]) -> DeviceTable:
    """Those of ``iris`` that are devices, as ``scan_devices`` finds them."""
    queries = [_query(iris[at : at + _AT_ONCE]) for at in range(0, len(iris), _AT_ONCE)]
    with ThreadPoolExecutor(2) as threads:
        texts = list(threads.map(store.select_csv, queries))
    said: dict[str, list[tuple[str, str]]] = {}
    for text in texts:
        for iri, predicate, value in zip(*columns_of(text, 3), strict=True):
            said.setdefault(predicate, []).append((iri, value))
    return _table(sensors, said)


def _query(iris: Sequence[str]) -> str:
    """With a variable in the place of the predicate: engines would else go through all that have a fact,
    for each of the IRIs."""
    names = " ".join(str(NamedNode(iri)) for iri in iris)
    found = f"VALUES ?d {{ {names} }} GRAPH ?d {{ ?d ?p ?o }} FILTER (?p IN ({_SAID}))"
    return f"SELECT ?d ?p ?o {{ {found} }}"


def _table(sensors: Terms, said: dict[str, list[tuple[str, str]]]) -> DeviceTable:
    """From IRIs and values, by predicate."""
    types = said.pop(TYPE.value, [])
    found = {iri for iri, kind in types if kind == SMART_SENSOR.value}
    columns = FactColumns(sensors, found.union(iri for pairs in said.values() for iri, _ in pairs))
    for name, predicate in FACTS.items():
        if pairs := said.get(predicate.value):
            iris, texts = zip(*pairs, strict=True)
            columns.take(columns.at(iris), name, texts)
    for iri, sensor in said.get(terms.HAS_SENSOR.value, ()):
        if (bit := sensors.number(sensor)) >= 0:
            columns.masks[columns.place[iri], bit // WORD] |= np.uint64(1 << bit % WORD)
    return columns.table()
