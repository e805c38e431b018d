"""Ends a service on SIGINT and SIGTERM in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_signals(
    stop: Callable[[], None], hurry: Callable[[], None] | None = None
) -> Iterator[None]:
    """The first signal calls ``stop``, a second one ``hurry``, the next one interrupts; without
    ``hurry`` the second one does. Only the main thread can do this; in others nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    steps = [stop] if hurry is None else [stop, hurry]

    def received(_number: int, _frame: FrameType | None) -> None:
        step = steps.pop(0)
        if not steps:
            for number in _SIGNALS:
                signal.signal(number, signal.default_int_handler)
        step()

    before = {number: signal.signal(number, received) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
