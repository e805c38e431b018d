"""Answers JSONPath queries, so many at a time. Whoever has waited long enough takes the place of the search
that has run longest, and of those who wait the last comes first, as registry/query has it for SPARQL."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from tinylearn.directory.jsonpath_process import SearchEndedError, SearchProcess
from tinylearn.directory.load import PAUSE_SECONDS
from tinylearn.directory.places import Places
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
        self._places = Places(
            limits.search_workers, limits.search_waiting, limits.search_seconds, "searches",
            last_first=True,
        )  # fmt: skip
        self._starting: set[asyncio.Task[None]] = set()

    async def ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        """A JSON array of what the query selects from the array of all documents (some lines at a time,
        each one of them).

        Raises ProblemError: 400 for what is no query, 422 for an answer that is too large, 503
        where it takes too long or too many ask.
        """
        try:
            async with self._places.one(self._make_room):
                return await self._ask(query, documents)
        except SearchEndedError:
            await asyncio.sleep(PAUSE_SECONDS)
            raise

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
