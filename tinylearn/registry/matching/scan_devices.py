"""All devices of a store into columns, by two scans in the engine, side by side.

A query gathers what is flat on each device: an arm a fact, grouped by device. Engines decode a term
only where it is put out, so the facts are joined as the numbers that the engine knows them by, each
device's IRI is decoded once a query, and its sensors come as the sum of their bits. A query a fact, or a
join of all facts, takes several times as long. Python waits while the engine works, so two queries of
about the same length take two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyoxigraph import Literal, NamedNode

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.csv_rows import columns_of, table_of
from tinylearn.registry.matching.device_table import MOST, NOTHING, ROW, DeviceTable
from tinylearn.registry.matching.terms import WORD, Terms
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.triples import number
from tinylearn.registry.vocabulary import SMART_SENSOR, TYPE

_FACTS = {"ram": terms.RAM_BYTES, "flash": terms.FLASH_BYTES, "clock": terms.CLOCK_HZ,
          "power": terms.POWER_WATTS, "fpu": terms.FPU, "core": terms.CORE,
          "target": terms.TARGET}  # fmt: skip
#: what the first query asks for; the second one has the others, and the sensors
_FIRST = ("ram", "flash", "clock", "power")
#: digits that are below MOST
_SHORT = 18
_TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0}


def scan_devices(
    store: GraphStore, sensors: Terms, among: Collection[str] | None = None
) -> DeviceTable:
    """Every device, or of the IRIs ``among``, in the order of their IRIs. ``sensors``: those that matter. What
    is written meanwhile may be in it or not: compare the store's revision."""
    others = [name for name in _FACTS if name not in _FIRST]
    asked = [list(_FIRST), [*others, *(f"sensors{word}" for word in range(sensors.words))]]
    of = "" if among is None else f"VALUES ?d {{ {' '.join(str(NamedNode(i)) for i in among)} }}"
    queries = [_query(sensors, asked[0], of, all_of_them=True), _query(sensors, asked[1], of)]
    with ThreadPoolExecutor(len(queries)) as threads:
        texts = list(threads.map(store.select_csv, queries))
    return _table(sensors, {
        tuple(names): columns_of(text, 1 + len(names)) for names, text in zip(asked, texts, strict=True)
    })  # fmt: skip


def _table(sensors: Terms, scanned: dict[tuple[str, ...], list[Sequence[str]]]) -> DeviceTable:
    """From the columns of each answer by their names; the first is that of IRIs."""
    iris = sorted({iri for columns in scanned.values() for iri in columns[0]})
    place = {iri: number for number, iri in enumerate(iris)}
    table, rows = DeviceTable(sensors), np.full(len(iris), NOTHING, ROW)
    masks = np.zeros((len(iris), sensors.words), np.uint64)
    for names, (found, *columns) in scanned.items():
        at = np.fromiter(map(place.__getitem__, found), np.intp, len(found))
        for name, texts in zip(names, columns, strict=True):
            _take(table, rows, masks, at, name, texts)
    table.fill(iris, rows, masks)
    return table


def devices_having(store: GraphStore, sensor: str) -> list[str]:
    """IRIs of the devices that have a sensor."""
    found = f"?d {terms.HAS_SENSOR} {NamedNode(sensor)}"
    return [iri for (iri,) in table_of(store.select_csv(f"SELECT ?d {{ GRAPH ?d {{ {found} }} }}"))]


def _query(sensors: Terms, names: list[str], of: str, all_of_them: bool = False) -> str:
    """Per device its IRI and what is asked for by name; ``of``: which devices; ``all_of_them``: those
    without any of it, too."""
    arms = [f"GRAPH ?d {{ ?d {TYPE} {SMART_SENSOR} }}"] if all_of_them else []
    arms += [_arm(sensors, name) for name in names]
    facts = " ".join(f"(SAMPLE(?{name}_) AS ?{name})" for name in names)
    return f"SELECT ?d {facts} {{ {of} {{ {' } UNION { '.join(arms)} }} }} GROUP BY ?d"


def _arm(sensors: Terms, name: str) -> str:
    if name in _FACTS:
        return f"GRAPH ?d {{ ?d {_FACTS[name]} ?{name}_ }}"
    return _bits(sensors, int(name.removeprefix("sensors")))


def _bits(sensors: Terms, word: int) -> str:
    """The arm that sums up a device's sensors of one word, as bits."""
    names = list(sensors)[WORD * word : WORD * (word + 1)]
    values = " ".join(f"({NamedNode(name)} {1 << i})" for i, name in enumerate(names))
    found = f"VALUES (?s ?b) {{ {values} }} GRAPH ?d {{ ?d {terms.HAS_SENSOR} ?s }}"
    return f"SELECT ?d (SUM(?b) AS ?sensors{word}_) {{ {found} }} GROUP BY ?d"


def _take(table: DeviceTable, rows: NDArray[np.void], masks: NDArray[np.uint64], at: NDArray[np.intp],
          name: str, texts: Sequence[str]) -> None:  # fmt: skip
    """Puts what one column of an answer says where it belongs."""
    if name in ("ram", "flash", "clock"):
        rows[name][at] = _counts(texts)
    elif name in _FACTS:
        read: dict[str, Callable[[str], Any]] = {
            "power": _power, "fpu": lambda text: _TRUTH.get(text, -1),
            "core": lambda text: table.cores.add(_core(text)),
            "target": lambda text: table.targets.add(text or None),
        }  # fmt: skip
        rows[name][at] = _each(texts, read[name], rows[name].dtype)
    else:
        word = int(name.removeprefix("sensors"))
        masks[at, word] = _each(texts, lambda text: int(text or 0), np.uint64)


def _each(texts: Sequence[str], read: Callable[[str], Any], dtype: Any) -> NDArray[Any]:
    """The texts read. The same few come again and again: each is read once, in the order of its first
    appearance, so that what is read does not depend on the hashes of a run."""
    known = {text: read(text) for text in dict.fromkeys(texts)}
    return np.fromiter(map(known.__getitem__, texts), dtype, len(texts))


def _counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Bytes or Hz; -1 where not known. Mostly all of them are plain numbers."""
    plain = all(texts) and "".join(texts).isdecimal() and max(map(len, texts)) <= _SHORT
    return np.fromiter(map(int, texts), np.int64) if plain else _each(texts, _count, np.int64)


def _count(text: str) -> int:
    """Bytes or Hz, as registry/devices reads them."""
    value = number(Literal(text)) if text else None
    return -1 if value is None or value < 0 else min(round(value), MOST)


def _power(text: str) -> float:
    value = number(Literal(text)) if text else None
    return np.nan if value is None else value


def _core(text: str) -> str | None:
    return text if text and text != terms.UNKNOWN_CORE else None
