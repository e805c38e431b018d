"""All devices of a store into columns, by one scan in the engine.

One query gathers what is flat on each device: an arm a fact, grouped by device. Engines decode a term
only where it is put out, so the facts are joined as the numbers that the engine knows them by, each
device's IRI is decoded once, and its sensors come as the sum of their bits. A query a fact, or a join
of all facts, takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyoxigraph import Literal, NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import columns_of, table_of
from tinylearn.registry.matching.device_table import MOST, ROW, DeviceTable
from tinylearn.registry.matching.terms import WORD, Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import number
from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE

_FACTS = {"ram": terms.RAM_BYTES, "flash": terms.FLASH_BYTES, "clock": terms.CLOCK_HZ,
          "power": terms.POWER_WATTS, "fpu": terms.FPU, "core": terms.CORE,
          "target": terms.TARGET}  # fmt: skip
#: digits that an int64 takes
_SHORT = 18
_TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0}


def scan_devices(store: GraphStore, sensors: Terms) -> DeviceTable:
    """Every device, in the order of their IRIs. ``sensors``: those that matter."""
    names = [*_FACTS, *(f"sensors{word}" for word in range(sensors.words))]
    columns = columns_of(store.select_csv(_query(sensors, names)), 1 + len(names))
    iris, facts = columns[0], dict(zip(names, columns[1:], strict=True))
    table = DeviceTable(sensors)
    rows = _table_rows(facts, table)
    masks = [
        _each(facts[name], lambda text: int(text or 0), np.uint64) for name in names[len(_FACTS) :]
    ]
    order = sorted(range(len(iris)), key=iris.__getitem__)
    table.fill([iris[number] for number in order], rows[order], np.stack(masks, axis=1)[order])
    return table


def devices_having(store: GraphStore, sensor: str) -> list[str]:
    """IRIs of the devices that have a sensor."""
    found = f"?d {terms.HAS_SENSOR} {NamedNode(sensor)}"
    return [iri for (iri,) in table_of(store.select_csv(f"SELECT ?d {{ GRAPH ?d {{ {found} }} }}"))]


def _query(sensors: Terms, names: list[str]) -> str:
    """Per device its IRI, its facts, and a sum of bits for each word of sensors."""
    arms = [f"GRAPH ?d {{ ?d {TYPE} {SMART_SENSOR} }}"]
    arms += [f"GRAPH ?d {{ ?d {predicate} ?{name}_ }}" for name, predicate in _FACTS.items()]
    arms += [_bits(sensors, word) for word in range(sensors.words) if len(sensors)]
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
        rows[name] = _each(facts[name], _count, np.int64)
    rows["power"] = _each(facts["power"], _power, np.float64)
    rows["fpu"] = _each(facts["fpu"], lambda text: _TRUTH.get(text, -1), np.int8)
    rows["core"] = _each(facts["core"], lambda text: table.cores.add(_core(text)), np.int32)
    rows["target"] = _each(facts["target"], lambda text: table.targets.add(text or None), np.int32)
    rows["there"] = True
    return rows


def _each(texts: Sequence[str], read: Callable[[str], Any], dtype: type) -> NDArray[Any]:
    """The texts read. The same few come again and again: each is read once, in the order of its first
    appearance, so that what is read does not depend on the hashes of a run."""
    known = {text: read(text) for text in dict.fromkeys(texts)}
    return np.fromiter(map(known.__getitem__, texts), dtype, len(texts))


def _count(text: str) -> int:
    """Bytes or Hz, as registry/devices reads them."""
    if text.isdecimal() and len(text) <= _SHORT:
        return int(text)
    value = number(Literal(text)) if text else None
    return -1 if value is None or value < 0 else min(round(value), MOST)


def _power(text: str) -> float:
    value = number(Literal(text)) if text else None
    return np.nan if value is None else value


def _core(text: str) -> str | None:
    return text if text and text != terms.UNKNOWN_CORE else None
