"""Projects of a match as zip archives, each made by a process of its own, few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tinylearn.directory.api import params
from tinylearn.directory.places import Places, end
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits
from tinylearn.emit import packaging
from tinylearn.registry.environment import environment
from tinylearn.registry.models.facts import Mode
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.embedded import EmbeddedStore
from tinylearn.targets import all_targets

_WORKER = "tinylearn.directory.api.project_worker"
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
        self._places = Places(
            limits.projects, limits.projects_waiting, limits.project_seconds, "projects"
        )

    async def get(self, request: Request) -> Response:
        """``model``, ``device``; ``mode``, ``format``, ``target``, ``softFloat``. Raises ProblemError:
        422 with the reasons where there is none."""
        asked = self._asked(request.query_params)
        async with self._places.one():
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

    async def _made(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _WORKER, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env=environment(OPENBLAS_NUM_THREADS="1"),
            limit=self._limits.project_bytes,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._limits.project_seconds):
                return await self._exchange(process, asked)
        except TimeoutError:
            what = f"the project took longer than {self._limits.project_seconds:g} seconds"
            raise ProblemError(503, what) from None
        finally:
            await end(process)

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


def _file_name(name: str) -> str:
    """Of letters and digits alone, whatever a model is called."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return plain[:_LONGEST_NAME] or "project"
