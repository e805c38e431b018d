"""/things/{id}: register, read, replace, patch and remove one thing (WoT Discovery, 7.3.2.1)."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tinylearn.directory import ids, media, request_body
from tinylearn.directory.conditions import check_unchanged, is_fresh
from tinylearn.directory.entry import Entry
from tinylearn.directory.listing import Listing
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.registrar import Condition, Put, Registrar, not_found
from tinylearn.directory.resource import resource
from tinylearn.directory.settings import Limits
from tinylearn.registry.td.json_text import read_json

#: what a Thing Description may come as, and as what it is given out
_TYPES = (media.TD, media.LD, media.JSON)


class Things:
    """The endpoints of single things; ``listing``: that of all of them."""

    def __init__(self, registrar: Registrar, listing: Listing, limits: Limits) -> None:
        self._registrar = registrar
        self._listing = listing
        self._limits = limits

    def routes(self) -> list[Route]:
        """/things, with and without what follows."""
        collection = {"GET": self._listing.get, "POST": self._create}
        one = {"GET": self._retrieve, "PUT": self._put, "PATCH": self._patch,
               "DELETE": self._delete}  # fmt: skip
        posted, patched = {"Accept-Post": ", ".join(_TYPES)}, {"Accept-Patch": media.MERGE_PATCH}
        return [
            resource("/things", collection, posted),
            resource("/things/", collection, posted),
            resource("/things/{id:path}", one, patched),
        ]

    async def _create(self, request: Request) -> Response:
        media.check_content(request, _TYPES, "Accept-Post", default=True)
        data = await request_body.read(request, self._limits)
        asked = await asyncio.to_thread(self._registrar.create, data)
        done = await asyncio.wrap_future(asked)
        # the id itself, as clients expect that; the address beside it
        headers = {"Location": done.entry.id, "Content-Location": ids.address(done.entry.id)}
        return Response(status_code=201, headers={**headers, "ETag": done.entry.etag})

    async def _retrieve(self, request: Request) -> Response:
        kind = media.accepted(request, _TYPES)
        identifier = self._id(request)
        entry = await asyncio.to_thread(self._registrar.find, identifier)
        if entry is None:
            raise not_found(identifier)
        headers = _headers(entry)
        if is_fresh(request.headers, entry.etag):
            return Response(status_code=304, headers=headers)
        content = entry.enriched(self._registrar.now())
        return Response(_json(content), 200, headers, kind)

    async def _put(self, request: Request) -> Response:
        media.check_content(request, _TYPES, "Accept", default=True)
        identifier = self._id(request)
        data = await request_body.read(request, self._limits)
        condition = _condition(request)
        asked = await asyncio.to_thread(self._registrar.put, identifier, data, condition)
        return _written(await asyncio.wrap_future(asked))

    async def _patch(self, request: Request) -> Response:
        media.check_content(request, [media.MERGE_PATCH], "Accept-Patch", default=False)
        identifier = self._id(request)
        data = await request_body.read(request, self._limits)
        patch, _ = await asyncio.to_thread(read_json, data)
        if not isinstance(patch, dict):
            raise ProblemError(400, "a merge patch of a Thing Description is a JSON object")
        asked = self._registrar.patch(identifier, patch, _condition(request))
        return _written(await asyncio.wrap_future(asked))

    async def _delete(self, request: Request) -> Response:
        asked = self._registrar.delete(self._id(request), _condition(request))
        await asyncio.wrap_future(asked)
        return Response(status_code=204)

    def _id(self, request: Request) -> str:
        return ids.of_scope(request.scope, self._limits.id_characters)


def _condition(request: Request) -> Condition:
    def condition(entry: Entry | None) -> None:
        etag, modified = (
            (None, None) if entry is None else (entry.etag, entry.registration.modified)
        )
        check_unchanged(request.headers, etag, modified)

    return condition


def _written(done: Put) -> Response:
    """The tag is of what GET gives next, so that a client can go on changing it."""
    headers = {"ETag": done.entry.etag}
    if done.is_new:
        headers["Location"] = ids.address(done.entry.id)
    return Response(status_code=201 if done.is_new else 204, headers=headers)


def _headers(entry: Entry) -> dict[str, str]:
    modified = format_datetime(entry.registration.modified, usegmt=True)
    return {"ETag": entry.etag, "Last-Modified": modified, "Cache-Control": "no-cache",
            "Vary": "Accept"}  # fmt: skip


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
