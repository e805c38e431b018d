"""Pairs in the order in which people want to see them; what is shown is put into words, the rest is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from tinylearn.registry.matching.compare import Compared
from tinylearn.registry.matching.match import Match

Numbers = NDArray[np.intp]


class By(StrEnum):
    """What pairs are ranked by first; the others follow in this order."""

    ACCURACY = "accuracy"
    RAM = "ram"
    ENERGY = "energy"


def ranked(compared: Compared, ties: Numbers, by: By = By.ACCURACY) -> Numbers:
    """Places of the pairs of one row, the best first: those that fit before the others, these by how
    little speaks against them; then high accuracy, much RAM left, little energy; what is not known
    last; ``ties`` decide at last."""
    keys = {
        By.ACCURACY: _falling(compared.accuracy),
        By.RAM: _falling(compared.ram_left),
        By.ENERGY: np.nan_to_num(compared.joules, nan=np.inf),
    }
    later = [keys[other] for other in reversed(By) if other is not by]
    columns: list[NDArray[Any]] = [ties, *later, keys[by], compared.problems]
    return np.lexsort(columns)


def _falling(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.nan_to_num(-values, nan=np.inf)


class Ranking(Sequence[Match]):
    """The matches of one device or one model, the best first. ``fitting``: how many of them fit;
    they come first. A match is made when it is looked at."""

    def __init__(self, size: int, fitting: int, make: Callable[[int], Match]) -> None:
        self._size, self.fitting, self._make = size, fitting, make

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> Match: ...
    @overload
    def __getitem__(self, at: slice) -> list[Match]: ...
    def __getitem__(self, at: int | slice) -> Match | list[Match]:
        places = range(self._size)[at]
        return self._make(places) if isinstance(places, int) else [self._make(p) for p in places]
