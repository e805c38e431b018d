"""Some devices of a store, by their IRIs, into columns: each looked up in the engine, so that it costs as much
as there are of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pyoxigraph import NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import columns_of
from tinylearn.registry.matching.device_table import NOTHING, ROW, DeviceTable
from tinylearn.registry.matching.fact_columns import FACTS, take
from tinylearn.registry.matching.terms import Terms
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
    said = [row for text in texts for row in zip(*columns_of(text, 3), strict=True)]
    return _table(
        sensors, [row for row in said if row[1] != TYPE.value or row[2] == SMART_SENSOR.value]
    )


def _query(iris: Sequence[str]) -> str:
    """With a variable in the place of the predicate: engines would else go through all that have a fact,
    for each of the IRIs."""
    names = " ".join(str(NamedNode(iri)) for iri in iris)
    found = f"VALUES ?d {{ {names} }} GRAPH ?d {{ ?d ?p ?o }} FILTER (?p IN ({_SAID}))"
    return f"SELECT ?d ?p ?o {{ {found} }}"


def _table(sensors: Terms, said: Sequence[tuple[str, ...]]) -> DeviceTable:
    """From IRIs, predicates and values."""
    iris = sorted({iri for iri, _, _ in said})
    place = {iri: number for number, iri in enumerate(iris)}
    table, rows = DeviceTable(sensors), np.full(len(iris), NOTHING, ROW)
    for name, predicate in FACTS.items():
        found = [(place[iri], value) for iri, term, value in said if term == predicate.value]
        if found:
            take(table, rows, np.array([at for at, _ in found]), name, [text for _, text in found])
    having: list[set[str]] = [set() for _ in iris]
    for iri, term, value in said:
        if term == terms.HAS_SENSOR.value:
            having[place[iri]].add(value)
    masks = [table.sensors.mask(some, sensors.words) for some in having]
    table.fill(iris, rows, np.array(masks, np.uint64).reshape(len(iris), sensors.words))
    return table
