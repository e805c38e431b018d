"""Counters that several threads add to."""

from __future__ import annotations

import threading
from collections import Counter


class Counts:
    """What a transport has seen and refused, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, by: int = 1) -> None:
        """One more."""
        with self._lock:
            self._counts[name] += by

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._counts[name]

    def as_dict(self) -> dict[str, int]:
        """All, as they are now."""
        with self._lock:
            return dict(self._counts)
