"""All devices of a store into columns, by two scans in the engine, side by side.

A query gathers what is flat on each device: an arm a fact, grouped by device. Engines decode a term
only where it is put out, so the facts are joined as the numbers that the engine knows them by, each
device's IRI is decoded once a query, and its sensors come as the sum of their bits. A query a fact, or a
join of all facts, takes several times as long. Python waits while the engine works, so two queries of
about the same length take two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pyoxigraph import NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import columns_of, table_of
from tinylearn.registry.matching.device_table import DeviceTable
from tinylearn.registry.matching.fact_columns import FACTS, FactColumns, each
from tinylearn.registry.matching.terms import WORD, Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE

#: what the first query asks for; the second one has the others, and the sensors
_FIRST = ("ram", "flash", "clock", "power")


def scan_devices(store: GraphStore, sensors: Terms) -> DeviceTable:
    """Every device, in the order of their IRIs. ``sensors``: those that matter. What is written meanwhile may
    be in it or not: compare the store's revision."""
    others = [name for name in FACTS if name not in _FIRST]
    asked = [list(_FIRST), [*others, *(f"sensors{word}" for word in range(sensors.words))]]
    queries = [_query(sensors, asked[0], all_of_them=True), _query(sensors, asked[1])]
    with ThreadPoolExecutor(len(queries)) as threads:
        texts = list(threads.map(store.select_csv, queries))
    return _table(sensors, {
        tuple(names): columns_of(text, 1 + len(names)) for names, text in zip(asked, texts, strict=True)
    })  # fmt: skip


def _table(sensors: Terms, scanned: dict[tuple[str, ...], list[Sequence[str]]]) -> DeviceTable:
    """From the columns of each answer by their names; the first is that of IRIs."""
    columns = FactColumns(sensors, (iri for found in scanned.values() for iri in found[0]))
    for names, (iris, *said) in scanned.items():
        at = columns.at(iris)
        for name, texts in zip(names, said, strict=True):
            if name in FACTS:
                columns.take(at, name, texts)
            else:
                word = int(name.removeprefix("sensors"))
                columns.masks[at, word] = each(texts, lambda text: int(text or 0), np.uint64)
    return columns.table()


def devices_having(store: GraphStore, sensor: str) -> list[str]:
    """IRIs of the devices that have a sensor."""
    found = f"?d {terms.HAS_SENSOR} {NamedNode(sensor)}"
    return [iri for (iri,) in table_of(store.select_csv(f"SELECT ?d {{ GRAPH ?d {{ {found} }} }}"))]


def _query(sensors: Terms, names: list[str], all_of_them: bool = False) -> str:
    """Per device its IRI and what is asked for by name; ``all_of_them``: devices without any of it, too."""
    arms = [f"GRAPH ?d {{ ?d {TYPE} {SMART_SENSOR} }}"] if all_of_them else []
    arms += [_arm(sensors, name) for name in names]
    facts = " ".join(f"(SAMPLE(?{name}_) AS ?{name})" for name in names)
    return f"SELECT ?d {facts} {{ {{ {' } UNION { '.join(arms)} }} }} GROUP BY ?d"


def _arm(sensors: Terms, name: str) -> str:
    if name in FACTS:
        return f"GRAPH ?d {{ ?d {FACTS[name]} ?{name}_ }}"
    return _bits(sensors, int(name.removeprefix("sensors")))


def _bits(sensors: Terms, word: int) -> str:
    """The arm that sums up a device's sensors of one word, as bits."""
    names = list(sensors)[WORD * word : WORD * (word + 1)]
    values = " ".join(f"({NamedNode(name)} {1 << i})" for i, name in enumerate(names))
    found = f"VALUES (?s ?b) {{ {values} }} GRAPH ?d {{ ?d {terms.HAS_SENSOR} ?s }}"
    return f"SELECT ?d (SUM(?b) AS ?sensors{word}_) {{ {found} }} GROUP BY ?d"
