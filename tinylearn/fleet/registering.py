"""Keeps the registry told of a fleet's devices, and asks it who may learn, in a thread of its own.

The coordinator never waits for the registry: what has changed is told now and then, the newest state
of each device; where the registry cannot be reached it is told later, and rounds go on with the
devices that were chosen last. Telling takes milliseconds a device, of the processor that rounds need: it
rests for most of the time, and after some devices it asks again, however many there are to tell.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tinylearn.errors import TinylearnError
from tinylearn.fleet.events import Chosen
from tinylearn.fleet.observers import Observer
from tinylearn.fleet.records import Change
from tinylearn.fleet.thing import FleetDevice, Follower, thing_of

_log = logging.getLogger(__name__)
_TELL_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
#: devices told at once
_MOST = 200
#: of the processor's time that a turn takes, it rests so much
_REST = 3.0
_CLOSE_SECONDS = 10.0


class Registry(Protocol):
    """Where devices are registered and asked for; both raise TinylearnError."""

    def put(self, things: Sequence[dict[str, Any]]) -> None:
        """Registers Thing Descriptions, each in place of the one with its id."""

    def names(self, query: str) -> frozenset[str]:
        """What a SELECT query binds to its variable ``name``."""

    def close(self) -> None:
        """Lets go of it."""


class Registering(Observer):
    """``devices``: as they are at the start. ``query``: who may learn; None: all. ``start`` and
    ``close`` the thread; everything else is for the service's."""

    def __init__(
        self, registry: Registry, fleet: str, run: int, devices: Mapping[str, FleetDevice],
        query: str | None = None, seconds: float = _TELL_SECONDS,
    ) -> None:  # fmt: skip
        self._registry, self._fleet, self._run, self._query = registry, fleet, run, query
        self._follower = Follower(dict(devices))
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._seconds = self._wait = seconds
        self._most = _MOST
        self._chosen: frozenset[str] = frozenset()
        self._news = query is not None
        self._thread = threading.Thread(target=self._loop, name="registering", daemon=True)

    def start(self) -> None:
        """Raises what the first query raises: a wrong one is no reason to wait for ever."""
        if self._query is not None:
            self._chosen = self._registry.names(self._query)
            _warn_of_nobody(self._chosen)
        self._thread.start()

    def changed(self, changes: Sequence[Change]) -> None:
        """See Observer."""
        with self._lock:
            self._follower.follow(changes)

    def choice(self) -> Chosen | None:
        """Who may learn, where that has changed since the last call."""
        with self._lock:
            news, self._news = self._news, False
            return Chosen(self._chosen) if news else None

    def close(self) -> None:
        """Tells what is left to tell, for some seconds at most. A registry that does not answer is left
        to the thread: nothing is taken from under it."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            _log.warning("registry: it does not answer; the last changes are not told")
        else:
            self._registry.close()

    # ---- the thread ----

    def _loop(self) -> None:
        while not self._closing.wait(self._wait):
            self._turn()
        self._finish()

    def _turn(self) -> None:
        """Tells and asks; where the registry cannot be reached, less often each time."""
        began = time.thread_time()
        if self._done(self._tell) and self._done(self._ask):
            self._wait = max(self._seconds, _REST * (time.thread_time() - began))
        else:
            self._wait = min(2 * self._wait, _LONGEST_SECONDS)

    def _finish(self) -> None:
        deadline = time.monotonic() + _CLOSE_SECONDS / 2
        while self._follower.has_changes and time.monotonic() < deadline:
            if not self._done(self._tell):
                return

    def _done(self, action: Callable[[], None]) -> bool:
        """Whatever is raised must not end the thread: nobody would be told of anything any more."""
        try:
            action()
        except TinylearnError as error:
            _log.warning("registry: %s; trying again", error)
            return False
        except Exception:
            _log.exception("registry: a mistake; trying again")
            return False
        return True

    def _tell(self) -> None:
        """Some of those that have changed. One that the registry refuses must not keep it from hearing of
        the others: after a failure they are told one by one for a while."""
        taken = self._take()
        try:
            if taken:
                self._registry.put([thing_of(d, self._fleet, self._run) for d in taken])
        except Exception:
            self._most = 1
            with self._lock:
                self._follower.again(taken)
            raise
        self._most = min(2 * self._most, _MOST)

    def _take(self) -> list[FleetDevice]:
        with self._lock:
            return self._follower.take(self._most)

    def _ask(self) -> None:
        if self._query is None:
            return
        chosen = self._registry.names(self._query)
        with self._lock:
            changed = chosen != self._chosen
            self._news |= changed
            self._chosen = chosen
        if changed:
            _warn_of_nobody(chosen)


def _warn_of_nobody(chosen: frozenset[str]) -> None:
    """Else rounds that do not begin would be a riddle."""
    if not chosen:
        _log.warning("registry: the query selects no device; nobody learns until it does")
