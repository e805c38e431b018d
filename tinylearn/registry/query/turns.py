"""Whose turn it is: some at a time, and of those who wait whoever came last. A flood of queries that
never end then keeps up those who are in the flood, not the one who comes after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tinylearn.registry.query.errors import QueryBusyError

_AGAIN_SECONDS = 0.05


class Turns:
    """``count`` at a time; ``waiting``: how many may wait."""

    def __init__(self, count: int, waiting: int) -> None:
        self._free = count
        self._most = waiting
        self._lock = threading.Lock()
        self._waiting: list[threading.Event] = []

    def take(self, patience: float, seconds: float, impatient: Callable[[], None]) -> None:
        """Waits for a turn; calls ``impatient`` after ``patience`` seconds, and again and again.

        Raises QueryBusyError after ``seconds``, or at once where too many wait already.
        """
        mine = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= self._most:
                raise QueryBusyError(f"{self._most} queries are waiting; try again later")
            self._waiting.append(mine)
        end = time.monotonic() + seconds
        while not mine.wait(patience):
            patience = min(patience, _AGAIN_SECONDS)
            impatient()
            if time.monotonic() > end:
                self._give_up(mine)
                return

    def give_back(self) -> None:
        """To the last of those who wait."""
        with self._lock:
            if self._waiting:
                self._waiting.pop().set()
            else:
                self._free += 1

    def _give_up(self, mine: threading.Event) -> None:
        """Unless its turn has just come."""
        with self._lock:
            if mine.is_set():
                return
            self._waiting.remove(mine)
        raise QueryBusyError("too many queries are running; try again later")
