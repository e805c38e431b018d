"""What has happened to the things lately, for those who listen; from any thread."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinylearn.directory.draft import CREATED, UPDATED, Happened
from tinylearn.directory.merge_patch import difference

_PER_EVENT = 400


@dataclass(frozen=True)
class Event:
    """``number``: 1 for the first one since the service began. ``plain``: the id alone, ``full``:
    what ``?diff=true`` adds; both JSON."""

    number: int
    kind: str
    plain: str
    full: str

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return _PER_EVENT + len(self.plain) + 2 * len(self.full)


class EventLog:
    """The last ``most_events``, or as many of them as fit into ``most_bytes``."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._began = f"{time.time_ns() // 1000:x}"
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._last = 0
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.is_closed = False

    def tell(self, happened: Sequence[Happened]) -> None:
        """Adds events and wakes who listens."""
        with self._lock:
            for one in happened:
                self._append(one)
            self._wake()

    def close(self) -> None:
        """Who listens is told that this is the end."""
        with self._lock:
            self.is_closed = True
            self._wake()

    def name(self, event: Event) -> str:
        """By which a client resumes; never the same as of another run of the service."""
        return f"{self._began}-{event.number}"

    def place(self, last_event_id: str | None) -> int:
        """The number of the last event that a client has seen. Of an event that is no longer
        known, or of another run, nothing can be said but that all there is came after it."""
        began, _, number = (last_event_id or "").partition("-")
        with self._lock:
            if last_event_id is None:
                return self._last
            oldest = self._events[0].number - 1 if self._events else self._last
            known = began == self._began and number.isascii() and number.isdigit()
            if not known or len(number) > 18:
                return oldest
            return min(max(int(number), oldest), self._last)

    def since(self, number: int) -> list[Event] | None:
        """Events after this one; None where some of them are forgotten."""
        with self._lock:
            oldest = self._events[0].number if self._events else self._last + 1
            if number + 1 < oldest:
                return None
            skipped = number + 1 - oldest
            return [self._events[i] for i in range(skipped, len(self._events))]

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Set whenever there is something new, or the end."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(mine)
        try:
            yield mine[1]
        finally:
            with self._lock:
                self._waiting.discard(mine)

    @property
    def listeners(self) -> int:
        """How many listen."""
        with self._lock:
            return len(self._waiting)

    def _append(self, happened: Happened) -> None:
        self._last += 1
        plain = _json({"id": happened.id})
        event = Event(self._last, happened.kind, plain, _full(happened, plain))
        self._events.append(event)
        self._bytes += event.size
        while len(self._events) > self._most_events or self._bytes > self._most_bytes:
            self._bytes -= self._events.popleft().size

    def _wake(self) -> None:
        for loop, event in self._waiting:
            loop.call_soon_threadsafe(event.set)


def _full(happened: Happened, plain: str) -> str:
    """The whole of a new thing; of a changed one the parts that differ, and its id; not when it was
    registered, which differs always."""
    if happened.kind == CREATED and happened.after is not None:
        return _json(happened.after.enriched())
    if happened.kind == UPDATED and happened.before is not None and happened.after is not None:
        changed = difference(happened.before.content, happened.after.content)
        return _json({"id": happened.id, **changed})
    return plain


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
