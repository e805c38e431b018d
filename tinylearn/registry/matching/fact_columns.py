"""The flat facts of devices, as the engine writes them, into columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyoxigraph import Literal

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.device_table import MOST, NOTHING, ROW, DeviceTable
from tinylearn.registry.matching.terms import Terms
from tinylearn.registry.triples import number

#: by the names of a row's fields
FACTS = {"ram": terms.RAM_BYTES, "flash": terms.FLASH_BYTES, "clock": terms.CLOCK_HZ,
         "power": terms.POWER_WATTS, "fpu": terms.FPU, "core": terms.CORE,
         "target": terms.TARGET}  # fmt: skip
#: digits that are below MOST
_SHORT = 18
_TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0}


class FactColumns:
    """Of devices of which nothing is known yet, in the order of their IRIs. ``place``: of each in
    that; ``masks``: the bits of its sensors."""

    def __init__(self, sensors: Terms, iris: Iterable[str]) -> None:
        self._table, self._iris = DeviceTable(sensors), sorted(set(iris))
        self.place = {iri: number for number, iri in enumerate(self._iris)}
        self._rows = np.full(len(self._iris), NOTHING, ROW)
        self.masks = np.zeros((len(self._iris), sensors.words), np.uint64)

    def at(self, iris: Sequence[str]) -> NDArray[np.intp]:
        """The places of devices."""
        return np.fromiter(map(self.place.__getitem__, iris), np.intp, len(iris))

    def take(self, at: NDArray[np.intp], name: str, texts: Sequence[str]) -> None:
        """Puts what is said of one fact where it belongs: ``texts`` of the devices ``at``."""
        if name in ("ram", "flash", "clock"):
            self._rows[name][at] = _counts(texts)
            return
        read: dict[str, Callable[[str], Any]] = {
            "power": _power, "fpu": lambda text: _TRUTH.get(text, -1),
            "core": lambda text: self._table.cores.add(_core(text)),
            "target": lambda text: self._table.targets.add(text or None),
        }  # fmt: skip
        self._rows[name][at] = each(texts, read[name], self._rows[name].dtype)

    def table(self) -> DeviceTable:
        """With all that was taken."""
        self._table.fill(self._iris, self._rows, self.masks)
        return self._table


def each(texts: Sequence[str], read: Callable[[str], Any], dtype: Any) -> NDArray[Any]:
    """The texts read. The same few come again and again: each is read once, in the order of its first
    appearance, so that what is read does not depend on the hashes of a run."""
    known = {text: read(text) for text in dict.fromkeys(texts)}
    return np.fromiter(map(known.__getitem__, texts), dtype, len(texts))


def _counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Bytes or Hz; -1 where not known. Mostly all of them are plain numbers."""
    plain = all(texts) and "".join(texts).isdecimal() and max(map(len, texts)) <= _SHORT
    return np.fromiter(map(int, texts), np.int64) if plain else each(texts, _count, np.int64)


def _count(text: str) -> int:
    """Bytes or Hz, as registry/devices reads them."""
    value = number(Literal(text)) if text else None
    return -1 if value is None or value < 0 else min(round(value), MOST)


def _power(text: str) -> float:
    value = number(Literal(text)) if text else None
    return np.nan if value is None else value


def _core(text: str) -> str | None:
    return text if text and text != terms.UNKNOWN_CORE else None
