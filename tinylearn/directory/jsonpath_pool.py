"""Answers JSONPath queries, so many at a time. Whoever has waited long enough takes the place of the search
that has run longest, and of those who wait the last comes first, as registry/query has it for SPARQL."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from tinylearn.directory.jsonpath_process import SearchEndedError, SearchProcess
from tinylearn.directory.load import PAUSE_SECONDS
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits

_AGAIN_SECONDS = 0.05


class JsonPathPool:
    """Belongs to one event loop. As many processes as work stand ready, so that those that are killed
    are replaced at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[SearchProcess] = []
        self._busy: dict[SearchProcess, float] = {}
        self._free = limits.search_workers
        self._waiting: list[asyncio.Future[None]] = []
        self._starting: set[asyncio.Task[None]] = set()

    async def ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        """A JSON array of what the query selects from the array of all documents (some lines at a time,
        each one of them).

        Raises ProblemError: 400 for what is no query, 422 for an answer that is too large, 503
        where it takes too long or too many ask.
        """
        try:
            return await self._in_turn(query, documents)
        except SearchEndedError:
            await asyncio.sleep(PAUSE_SECONDS)
            raise

    async def _in_turn(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        await self._turn()
        try:
            return await self._ask(query, documents)
        finally:
            self._give_back()

    async def close(self) -> None:
        """Ends the processes."""
        for starting in self._starting:
            starting.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._idle:
            await self._idle.pop().end()

    async def _ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        process = await self._taken()
        self._busy[process] = time.monotonic()
        try:
            return await process.ask(query, documents)
        finally:
            del self._busy[process]
            if process.is_good:
                await self._keep(process)

    async def _taken(self) -> SearchProcess:
        self._idle = [process for process in self._idle if process.is_good]
        if not self._idle and self._starting:
            await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
        found = self._idle.pop() if self._idle else await SearchProcess.start(self._limits)
        if len(self._idle) + len(self._starting) < self._limits.search_workers:
            starting = asyncio.create_task(self._start_one())
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)
        return found

    async def _start_one(self) -> None:
        with contextlib.suppress(ProblemError):  # whoever needs one is told
            await self._keep(await SearchProcess.start(self._limits))

    async def _keep(self, process: SearchProcess) -> None:
        """As many as may work, and as many to take their places."""
        if len(self._idle) + len(self._busy) < 2 * self._limits.search_workers:
            self._idle.append(process)
        else:
            await process.end()

    async def _turn(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self._limits.search_waiting:
            raise _busy()
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        impatient = asyncio.create_task(self._make_room())
        try:
            async with asyncio.timeout(self._limits.search_seconds):
                await mine
        except BaseException as error:
            self._give_up(mine)
            if isinstance(error, TimeoutError):
                raise _busy() from None
            raise
        finally:
            impatient.cancel()

    def _give_up(self, mine: asyncio.Future[None]) -> None:
        """A turn that has just come goes to the next."""
        if mine in self._waiting:
            self._waiting.remove(mine)
        elif not mine.cancelled():
            self._give_back()

    def _give_back(self) -> None:
        """To the last of those who wait."""
        while self._waiting:
            last = self._waiting.pop()
            if not last.done():
                last.set_result(None)
                return
        self._free += 1

    async def _make_room(self) -> None:
        """For one that waits; what has just begun is left alone, and all are while no process stands
        ready: nobody would be served sooner."""
        await asyncio.sleep(self._limits.search_patience)
        while True:
            running = [process for process in self._busy if process.is_good]
            longest = min(running, key=self._busy.__getitem__, default=None)
            if longest is not None and self._idle:
                seconds = time.monotonic() - self._busy[longest]
                if seconds > self._limits.search_patience:
                    longest.kill(
                        f"the search was ended after {seconds:.1f} s, as others were waiting"
                    )
            await asyncio.sleep(_AGAIN_SECONDS)


def _busy() -> ProblemError:
    return ProblemError(503, "too many searches at a time; try later", (), {"Retry-After": "5"})
