"""Numbers for names, so that columns hold numbers: sensors, targets, cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

#: bits of a word: as the sum of an engine with 64-bit integers they do not overflow
WORD = 62


class Terms:
    """Names in the order of their first use. None has number -1."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        for name in names:
            self.add(name)

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    def add(self, name: str | None) -> int:
        """The name's number, new where it was not known."""
        if name is None:
            return -1
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        return number

    def number(self, name: str | None) -> int:
        """The name's number, -1 where it is not known."""
        return -1 if name is None else self._numbers.get(name, -1)

    def name(self, number: int) -> str | None:
        """Inverse of ``add``."""
        return None if number < 0 else self._names[number]

    def mask(self, names: Iterable[str], words: int) -> NDArray[np.uint64]:
        """The known ones of ``names`` as bits: words of WORD."""
        bits = sum(1 << self._numbers[name] for name in names if name in self._numbers)
        return np.array([bits >> WORD * i & (1 << WORD) - 1 for i in range(words)], np.uint64)

    def of_mask(self, mask: NDArray[np.uint64]) -> frozenset[str]:
        """Inverse of ``mask``."""
        bits = sum(int(word) << WORD * i for i, word in enumerate(mask))
        return frozenset(name for i, name in enumerate(self._names) if bits >> i & 1)

    @property
    def words(self) -> int:
        """Words that a mask of all names takes; at least one."""
        return max(1, -(-len(self._names) // WORD))
