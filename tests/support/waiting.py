"""Waits for what other threads do, without fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 60.0


def until(condition: Callable[[], object], seconds: float = _SECONDS) -> None:
    """Returns as soon as the condition holds; fails where it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
