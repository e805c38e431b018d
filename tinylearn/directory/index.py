"""Which things there are, in the order of their ids, and which expires next: ids in memory, no more."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime


class Index:
    """Python compares strings by code point, which is the order that WoT Discovery wants."""

    def __init__(self, things: Iterable[tuple[str, datetime | None]]) -> None:
        found = dict(things)
        self.ids = sorted(found)
        self._expires = {name: at for name, at in found.items() if at is not None}
        self._next = [(at, name) for name, at in self._expires.items()]
        heapq.heapify(self._next)

    def __contains__(self, identifier: str) -> bool:
        place = bisect.bisect_left(self.ids, identifier)
        return place < len(self.ids) and self.ids[place] == identifier

    def update(self, changes: Mapping[str, datetime | None], gone: Iterable[str]) -> bool:
        """Things with when they expire, and those that are no more; whether ids came or went."""
        before = len(self.ids)
        came = 0
        for name, expires in changes.items():
            came += self._put(name, expires)
        for name in gone:
            self._remove(name)
        return came > 0 or len(self.ids) != before

    def _put(self, name: str, expires: datetime | None) -> int:
        new = name not in self
        if new:
            bisect.insort(self.ids, name)
        if expires is None:
            self._expires.pop(name, None)
        else:
            self._expires[name] = expires
            heapq.heappush(self._next, (expires, name))
            self._forget_stale()
        return int(new)

    def _forget_stale(self) -> None:
        """A thing that is registered again and again leaves an entry each time."""
        if len(self._next) > 2 * len(self._expires) + 64:
            self._next = [(at, name) for name, at in self._expires.items()]
            heapq.heapify(self._next)

    def _remove(self, name: str) -> None:
        place = bisect.bisect_left(self.ids, name)
        if place < len(self.ids) and self.ids[place] == name:
            del self.ids[place]
        self._expires.pop(name, None)

    def next_expiry(self) -> datetime | None:
        """When the first of those that expire does."""
        while self._next and self._expires.get(self._next[0][1]) != self._next[0][0]:
            heapq.heappop(self._next)
        return self._next[0][0] if self._next else None

    def expired(self, now: datetime) -> list[str]:
        """Those that have; they stay until they are removed."""
        if (first := self.next_expiry()) is None or first > now:
            return []
        due = {name for at, name in self._next if at <= now and self._expires.get(name) == at}
        return sorted(due)
