"""/search: by JSONPath (7.3.2.3.1); XPath is not offered. SPARQL has a module of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn.directory import media
from tinylearn.directory.jsonpath_pool import JsonPathPool
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.registrar import Registrar
from tinylearn.directory.resource import resource
from tinylearn.directory.settings import Limits
from tinylearn.directory.steps import Steps

_AT_ONCE = 256


class Search:
    """The endpoints. What is searched are the Thing Descriptions as they were registered, with their
    ids, in the order of these."""

    def __init__(self, registrar: Registrar, pool: JsonPathPool, limits: Limits) -> None:
        self._registrar = registrar
        self._pool = pool
        self._limits = limits

    def routes(self) -> list[Route]:
        """JSONPath, and a word on XPath."""
        return [
            resource("/search/jsonpath", {"GET": self._jsonpath}),
            resource("/search/xpath", {"GET": _xpath}),
        ]

    async def _jsonpath(self, request: Request) -> Response:
        media.accepted(request, (media.JSON,))
        query = request.query_params.get("query", "")
        if not query:
            raise ProblemError(400, "which JSONPath query? ask /search/jsonpath?query=...")
        if len(query) > self._limits.query_characters:
            most = self._limits.query_characters
            raise ProblemError(400, f"the JSONPath query has more than {most:,} characters")
        found = await self._pool.ask(query, self._documents())
        return Response(found, 200, {"Cache-Control": "no-cache"}, media.JSON)

    async def _documents(self) -> AsyncIterator[bytes]:
        page = await asyncio.to_thread(self._registrar.page, 0, None, "id", False)
        steps = Steps(page.ids, _AT_ONCE)
        while steps:
            documents = await asyncio.to_thread(self._registrar.documents, steps.take())
            lines = "".join(text.replace("\n", " ") + "\n" for text in documents).encode()
            steps.took(len(lines))
            yield lines


async def _xpath(_request: Request) -> Response:
    raise ProblemError(501, "this directory is not searched by XPath, but by JSONPath and SPARQL")
