"""All devices of a store into columns, by one scan in the engine.

One query gathers what is flat on each device: an arm a fact, grouped by device. Engines decode a term
only where it is put out, so the facts are joined as the numbers that the engine knows them by, each
device's IRI is decoded once, and its sensors come as the sum of their bits. A query a fact, or a join
of all facts, takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pyoxigraph import Literal, NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import table_of
from tinylearn.registry.matching.device_table import MOST, ROW, DeviceTable
from tinylearn.registry.matching.terms import WORD, Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import number
from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE

_FACTS = {"ram": terms.RAM_BYTES, "flash": terms.FLASH_BYTES, "clock": terms.CLOCK_HZ,
          "power": terms.POWER_WATTS, "fpu": terms.FPU, "core": terms.CORE,
          "target": terms.TARGET}  # fmt: skip
_TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0}


def scan_devices(store: GraphStore, sensors: Terms) -> DeviceTable:
    """Every device. ``sensors``: those that matter."""
    rows = sorted(table_of(store.select_csv(_query(sensors))))
    iris, *columns = zip(*rows, strict=True) if rows else [()] * (1 + len(_FACTS) + sensors.words)
    table = DeviceTable(sensors)
    facts = dict(zip(_FACTS, columns, strict=False))
    masks = [_integers(column, lambda text: int(text or 0)) for column in columns[len(_FACTS) :]]
    table.fill(list(iris), _table_rows(facts, table), np.stack(masks, axis=1).astype(np.uint64))
    return table


def devices_having(store: GraphStore, sensor: str) -> list[str]:
    """IRIs of the devices that have a sensor."""
    found = f"?d {terms.HAS_SENSOR} {NamedNode(sensor)}"
    return [iri for (iri,) in table_of(store.select_csv(f"SELECT ?d {{ GRAPH ?d {{ {found} }} }}"))]


def _query(sensors: Terms) -> str:
    """Per device its IRI, its facts, and a sum of bits for each word of sensors."""
    arms = [f"GRAPH ?d {{ ?d {TYPE} {SMART_SENSOR} }}"]
    arms += [f"GRAPH ?d {{ ?d {predicate} ?{name}_ }}" for name, predicate in _FACTS.items()]
    arms += [_bits(sensors, word) for word in range(sensors.words)]
    names = [*_FACTS, *(f"sensors{word}" for word in range(sensors.words))]
    facts = " ".join(f"(SAMPLE(?{name}_) AS ?{name})" for name in names)
    return f"SELECT ?d {facts} {{ {{ {' } UNION { '.join(arms)} }} }} GROUP BY ?d"


def _bits(sensors: Terms, word: int) -> str:
    """The arm that sums up a device's sensors of one word, as bits."""
    names = list(sensors)[WORD * word : WORD * (word + 1)]
    values = " ".join(f"({NamedNode(name)} {1 << i})" for i, name in enumerate(names))
    found = f"VALUES (?s ?b) {{ {values} }} GRAPH ?d {{ ?d {terms.HAS_SENSOR} ?s }}"
    return f"SELECT ?d (SUM(?b) AS ?sensors{word}_) {{ {found} }} GROUP BY ?d"


def _table_rows(facts: Mapping[str, Sequence[str]], table: DeviceTable) -> NDArray[np.void]:
    rows = np.zeros(len(facts["ram"]), ROW)
    for name in ("ram", "flash", "clock"):
        rows[name] = _integers(facts[name], _count)
    rows["power"] = [_power(text) for text in facts["power"]]
    rows["fpu"] = [_TRUTH.get(text, -1) for text in facts["fpu"]]
    rows["core"] = [table.cores.add(_core(text)) for text in facts["core"]]
    rows["target"] = [table.targets.add(text or None) for text in facts["target"]]
    rows["there"] = True
    return rows


def _integers(texts: Sequence[str], read: Callable[[str], int]) -> NDArray[np.int64]:
    """The same few texts come again and again; each is read once."""
    known = {text: read(text) for text in set(texts)}
    return np.fromiter(map(known.__getitem__, texts), np.int64, len(texts))


def _count(text: str) -> int:
    """Bytes or Hz, as registry/devices reads them."""
    value = number(Literal(text))
    return -1 if value is None or value < 0 else min(round(value), MOST)


def _power(text: str) -> float:
    value = number(Literal(text)) if text else None
    return np.nan if value is None else value


def _core(text: str) -> str | None:
    return text if text and text != terms.UNKNOWN_CORE else None
