"""One process that answers JSONPath queries, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits

_WORKER = Path(__file__).with_name("jsonpath_worker.py")
#: of an answer: a bound of the results' JSON and what stands around it
_AROUND = 2**16
_DOCUMENT_BYTES = 32 * 2**20
_START_SECONDS = 60


class SearchEndedError(ProblemError):
    """It took too long: of itself, or as others were waiting."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, detail, (), {"Retry-After": "5"})


class SearchProcess:
    """Belongs to one event loop; asked one query at a time."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._why: str | None = None
        self._is_killed = False

    @classmethod
    async def start(cls, limits: Limits) -> SearchProcess:
        """Ready to be asked: what it takes to start is not the query's to answer for."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(_WORKER), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=limits.search_bytes + _AROUND,
        )  # fmt: skip
        found = cls(process, limits)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                if await process.stdout.readline():
                    return found
        except TimeoutError:
            pass
        except BaseException:
            await found.end()
            raise
        await found.end()
        raise ProblemError(503, "the search could not be started; try later")

    @property
    def is_good(self) -> bool:
        """It has not ended, nor is it to."""
        return self._process.returncode is None and not self._is_killed

    def kill(self, why: str) -> None:
        """From another task, while it is asked: ``why`` is what the asker hears."""
        self._why = why
        self._kill()

    async def end(self) -> None:
        """Once it is not needed any more."""
        self._kill()
        await self._process.wait()

    def _kill(self) -> None:
        """Once: a second signal would find out that it has ended before asyncio does, which says so then."""
        if not self._is_killed:
            self._is_killed = True
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def ask(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        """A JSON array; what JsonPathPool.ask raises."""
        answer = b""
        try:
            async with asyncio.timeout(self._limits.search_seconds):
                answer = await self._exchange(query, documents)
        except TimeoutError:
            what = f"the search took longer than {self._limits.search_seconds:g} seconds"
            raise SearchEndedError(what + "; ask for less") from None
        finally:
            if not answer.endswith(b"\n"):
                await self.end()
        if self._why is not None:
            raise SearchEndedError(self._why)
        return _read(answer)

    async def _exchange(self, query: str, documents: AsyncIterator[bytes]) -> bytes:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        limits = self._limits
        bounds = {"results": limits.search_results, "bytes": limits.search_bytes,
                  "documents": _DOCUMENT_BYTES, "seconds": limits.search_seconds}  # fmt: skip
        try:
            to.write(json.dumps({"query": query, **bounds}).encode() + b"\n")
            async for lines in documents:
                to.write(lines)
                await to.drain()
            to.write(b"\n")
            await to.drain()
            return await back.readline()
        except (ConnectionError, ValueError):
            return b""  # it has died; _read tells


def _read(answer: bytes) -> bytes:
    if answer.startswith(b'{"found":') and answer.endswith(b"}\n"):
        return answer[len(b'{"found":') : -2]
    if not answer:
        raise ProblemError(422, "the search needed too much memory; ask for less")
    said = json.loads(answer)
    if "wrong" in said:
        raise ProblemError(400, f"the JSONPath query: {said['wrong']}")
    raise ProblemError(422, said["large"])
