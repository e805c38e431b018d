"""Processes that answer JSONPath queries, so many at a time, each killed when it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

from tinylearn.directory.places import Places, end
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits

_WORKER = Path(__file__).with_name("jsonpath_worker.py")
#: of an answer: a bound of the results' JSON and what stands around it
_AROUND = 2**16
_DOCUMENT_BYTES = 32 * 2**20
_START_SECONDS = 60


class JsonPathPool:
    """Belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[Process] = []
        self._places = Places(
            limits.search_workers, limits.search_waiting, limits.search_seconds, "searches"
        )

    async def ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        """A JSON array of what the query selects from the array of all documents (some lines at a time,
        each one of them).

        Raises ProblemError: 400 for what is no query, 422 for an answer that is too large, 503
        where it takes too long or too many ask.
        """
        async with self._places.one():
            return _read(await self._ask(query, documents))

    async def close(self) -> None:
        """Ends the processes."""
        while self._idle:
            await end(self._idle.pop())

    async def _ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        process = self._idle.pop() if self._idle else await self._start()
        answer = b""
        try:
            async with asyncio.timeout(self._limits.search_seconds):
                answer = await self._exchange(process, query, documents)
        except TimeoutError:
            what = f"the search took longer than {self._limits.search_seconds:g} seconds"
            raise ProblemError(503, what + "; ask for less") from None
        finally:
            if answer.endswith(b"\n"):
                self._idle.append(process)
            else:
                await end(process)
        return answer

    async def _exchange(
        self, process: Process, query: str, documents: AsyncIterator[bytes]
    ) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        limits = self._limits
        bounds = {"results": limits.search_results, "bytes": limits.search_bytes,
                  "documents": _DOCUMENT_BYTES}  # fmt: skip
        question = json.dumps({"query": query, **bounds}).encode() + b"\n"
        try:
            process.stdin.write(question)
            async for lines in documents:
                process.stdin.write(lines)
                await process.stdin.drain()
            process.stdin.write(b"\n")
            await process.stdin.drain()
            return await process.stdout.readline()
        except (ConnectionError, ValueError):
            return b""  # it has died; _read tells

    async def _start(self) -> Process:
        """Ready to be asked: what it takes to start is not the query's to answer for."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(_WORKER), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=self._limits.search_bytes + _AROUND,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                if await process.stdout.readline():
                    return process
        except TimeoutError:
            pass
        except BaseException:
            await end(process)
            raise
        await end(process)
        raise ProblemError(503, "the search could not be started; try later")


def _read(answer: bytes) -> bytes:
    if answer.startswith(b'{"found":') and answer.endswith(b"}\n"):
        return answer[len(b'{"found":') : -2]
    if not answer:
        raise ProblemError(422, "the search needed too much memory; ask for less")
    said = json.loads(answer)
    if "wrong" in said:
        raise ProblemError(400, f"the JSONPath query: {said['wrong']}")
    raise ProblemError(422, said["large"])
