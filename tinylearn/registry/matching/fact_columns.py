"""The flat facts of devices, as the engine writes them, into columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyoxigraph import Literal

from tinylearn.registry.devices import terms
from tinylearn.registry.matching.device_table import MOST, DeviceTable
from tinylearn.registry.triples import number

#: by the names of a row's fields
FACTS = {"ram": terms.RAM_BYTES, "flash": terms.FLASH_BYTES, "clock": terms.CLOCK_HZ,
         "power": terms.POWER_WATTS, "fpu": terms.FPU, "core": terms.CORE,
         "target": terms.TARGET}  # fmt: skip
#: digits that are below MOST
_SHORT = 18
_TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0}


def take(table: DeviceTable, rows: NDArray[np.void], at: NDArray[np.intp], name: str,
         texts: Sequence[str]) -> None:  # fmt: skip
    """Puts what is said of one fact where it belongs: ``texts`` of the rows ``at``."""
    if name in ("ram", "flash", "clock"):
        rows[name][at] = _counts(texts)
        return
    read: dict[str, Callable[[str], Any]] = {
        "power": _power, "fpu": lambda text: _TRUTH.get(text, -1),
        "core": lambda text: table.cores.add(_core(text)),
        "target": lambda text: table.targets.add(text or None),
    }  # fmt: skip
    rows[name][at] = each(texts, read[name], rows[name].dtype)


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
