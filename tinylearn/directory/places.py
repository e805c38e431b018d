"""Places for what is done by processes: some at a time, and some who wait, no longer than they may."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

from tinylearn.directory.problem import ProblemError


class Places:
    """``count`` at a time; ``waiting``: how many may wait, each ``seconds``; ``what`` they are, for people.
    Belongs to one event loop."""

    def __init__(self, count: int, waiting: int, seconds: float, what: str) -> None:
        self._free = asyncio.Semaphore(count)
        self._most, self._seconds, self._what = waiting, seconds, what
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place until the end of the block; raises ProblemError 503 where there is none in time, at once
        where too many wait already."""
        await self._taken()
        try:
            yield
        finally:
            self._free.release()

    async def _taken(self) -> None:
        if self._free.locked() and self._waiting >= self._most:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1

    def _busy(self) -> ProblemError:
        what = f"too many {self._what} at a time; try later"
        return ProblemError(503, what, (), {"Retry-After": "5"})


async def end(process: Process) -> None:
    """At once, also where it has ended already."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
