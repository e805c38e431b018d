"""Places for what is done by processes: some at a time, and some who wait, no longer than they may."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from tinylearn.directory.problem import ProblemError

#: what one who waits does meanwhile, until the place is there
Impatient = Callable[[], Coroutine[Any, Any, None]]


class Places:
    """``count`` at a time; ``waiting``: how many may wait, each ``seconds``; ``what`` they are, for people.
    Of those who wait the first comes first, or with ``last_first`` the last. Belongs to one event loop."""

    def __init__(
        self, count: int, waiting: int, seconds: float, what: str, last_first: bool = False
    ) -> None:
        self._free = count
        self._most, self._seconds, self._what = waiting, seconds, what
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next = self._waiting.pop if last_first else self._waiting.popleft

    @contextlib.asynccontextmanager
    async def one(self, impatient: Impatient | None = None) -> AsyncIterator[None]:
        """A place until the end of the block; raises ProblemError 503 where there is none in time, at once
        where too many wait already."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(impatient)
        try:
            yield
        finally:
            self._give_back()

    async def _wait(self, impatient: Impatient | None) -> None:
        if len(self._waiting) >= self._most:
            raise self._busy()
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        meanwhile = None if impatient is None else asyncio.create_task(impatient())
        try:
            async with asyncio.timeout(self._seconds):
                await mine
        except BaseException as error:
            self._give_up(mine)
            if isinstance(error, TimeoutError):
                raise self._busy() from None
            raise
        finally:
            if meanwhile is not None:
                meanwhile.cancel()

    def _give_up(self, mine: asyncio.Future[None]) -> None:
        """A place that has just come goes to the next."""
        if mine in self._waiting:
            self._waiting.remove(mine)
        elif not mine.cancelled():
            self._give_back()

    def _give_back(self) -> None:
        while self._waiting:
            following = self._next()
            if not following.done():
                following.set_result(None)
                return
        self._free += 1

    def _busy(self) -> ProblemError:
        what = f"too many {self._what} at a time; try later"
        return ProblemError(503, what, (), {"Retry-After": "5"})


async def end(process: Process) -> None:
    """At once, also where it has ended already."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
