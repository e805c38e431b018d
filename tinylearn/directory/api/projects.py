"""Projects of a match as zip archives, each made by a process of its own, few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tinylearn.directory.api import params
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits
from tinylearn.emit import packaging
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.targets import all_targets

_WORKER = "tinylearn.directory.api.project_worker"
_PACKAGES = Path(__file__).resolve().parents[3]
_HEAD_BYTES = 2**16
_LONGEST_NAME = 60


def choices(_asked: QueryParams) -> dict[str, Any]:
    """What may be asked for."""
    formats = [{"name": name, "title": packaging.find(name).TITLE} for name in packaging.names()]
    targets = [{"name": target.name, "title": target.title} for target in all_targets()]
    return {"formats": formats, "targets": targets}


class Projects:
    """Belongs to one event loop."""

    def __init__(self, store: GraphStore, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self._places = asyncio.Semaphore(limits.projects)
        self._waiting = 0

    async def get(self, request: Request) -> Response:
        """``model``, ``device``; ``mode``, ``format``, ``target``, ``softFloat``. Raises ProblemError:
        422 with the reasons where there is none."""
        asked = self._asked(request.query_params)
        async with self._place():
            head, archive = await self._made(asked)
        if "status" in head:
            raise ProblemError(head["status"], head["detail"])
        file = f'attachment; filename="{_file_name(head["name"])}.zip"'
        headers = {"Content-Disposition": file, "Cache-Control": "no-cache"}
        return Response(archive, 200, headers, "application/zip")

    def _asked(self, given: QueryParams) -> dict[str, Any]:
        if not isinstance(self._store, EmbeddedStore):
            raise ProblemError(
                422, "a registry behind an endpoint keeps no model files to generate from"
            )
        return {
            "where": str(self._store.folder.resolve()),
            "model": params.needed_iri(given, "model"),
            "device": params.needed_iri(given, "device"),
            "mode": params.choice(given, "mode", Mode.INFERENCE),
            "format": params.text(given, "format") or None,
            "target": params.text(given, "target") or None,
            "softFloat": params.flag(given, "softFloat"),
            "memory": self._limits.project_memory,
            "seconds": int(self._limits.project_seconds),
        }

    @contextlib.asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._waiting >= self._limits.projects_waiting:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.project_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    async def _made(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _WORKER, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=_environment(),
            limit=self._limits.project_bytes,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._limits.project_seconds):
                return await self._exchange(process, asked)
        except TimeoutError:
            what = f"the project took longer than {self._limits.project_seconds:g} seconds"
            raise ProblemError(503, what) from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _exchange(
        self, process: asyncio.subprocess.Process, asked: dict[str, Any]
    ) -> tuple[dict[str, Any], bytes]:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
        head = await process.stdout.readline()
        archive = await _read(process.stdout, self._limits.project_bytes)
        await process.wait()
        if not head.endswith(b"\n"):
            raise ProblemError(
                500, "the project could not be generated; the service's log says why"
            )
        return json.loads(head), archive


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    parts, size = [], 0
    while part := await stream.read(_HEAD_BYTES):
        parts.append(part)
        size += len(part)
        if size > most:
            raise ProblemError(422, f"the project has more than {most:,} bytes")
    return b"".join(parts)


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}


def _file_name(name: str) -> str:
    """Of letters and digits alone, whatever a model is called."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return plain[:_LONGEST_NAME] or "project"


def _busy() -> ProblemError:
    return ProblemError(503, "too many projects at a time; try later", (), {"Retry-After": "5"})
