"""GET /things: all of them or page by page, sorted, as an array or a collection (7.3.2.1.5).

The answer is streamed: of a hundred thousand things a few are in memory at a time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tinylearn.directory import media
from tinylearn.directory.entry import CONTEXT
from tinylearn.directory.graph import SORTS
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.registrar import Page, Registrar
from tinylearn.directory.steps import Steps

_AT_ONCE = 64
#: offsets and limits beyond make no sense, and no trouble
_MOST = 10**9
_KNOWN = frozenset({"offset", "limit", "format", "sort_by", "sort_order"})


@dataclass(frozen=True)
class Wanted:
    """What the query asks for; ``limit`` None: all. ``sort_by`` and ``sort_order`` as given."""

    offset: int = 0
    limit: int | None = None
    format: str = "array"
    sort_by: str | None = None
    sort_order: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """Raises ProblemError: 400 for what makes no sense, 501 for a sort that is not known."""
        unknown = sorted(set(query) - _KNOWN)
        if unknown:
            raise ProblemError(
                400, f"{unknown[0][:80]!r} is not known; {', '.join(sorted(_KNOWN))} are"
            )
        sort_by = query.get("sort_by")
        if sort_by is not None and sort_by not in ("id", *SORTS):
            known = ", ".join(("id", *SORTS))
            raise ProblemError(501, f"sort_by {sort_by[:80]!r}: things are sorted by {known}")
        return cls(
            _number(query, "offset", 0) or 0,
            _number(query, "limit", 1),
            _one_of(query, "format", "array", "collection") or "array",
            sort_by,
            _one_of(query, "sort_order", "asc", "desc"),
        )

    def address(self, offset: int) -> str:
        """Of the page that begins there, with all that this one was asked for with."""
        query: dict[str, Any] = {"offset": offset}
        if self.limit is not None:
            query["limit"] = self.limit
        if self.format != "array":
            query["format"] = self.format
        if self.sort_by is not None:
            query["sort_by"] = self.sort_by
        if self.sort_order is not None:
            query["sort_order"] = self.sort_order
        return f"/things?{urlencode(query)}"


class Listing:
    """The endpoint."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    async def get(self, request: Request) -> Response:
        """An array or a collection of enriched Thing Descriptions."""
        kind = media.accepted(request, (media.LD, media.JSON))
        wanted = Wanted.of(request.query_params)
        page = await asyncio.to_thread(
            self._registrar.page, wanted.offset, wanted.limit, wanted.sort_by or "id",
            wanted.sort_order == "desc",
        )  # fmt: skip
        headers = {"Cache-Control": "no-cache", "Vary": "Accept"}
        around = _collection(wanted, page) if wanted.format == "collection" else (b"[", b"]")
        parts = self._parts(page, *around)  # nobody asks for them after HEAD
        answer = StreamingResponse(() if request.method == "HEAD" else parts, 200, headers, kind)
        for link in _links(wanted, page):
            answer.headers.append("Link", link)
        return answer

    async def _parts(self, page: Page, before: bytes, after: bytes) -> AsyncIterator[bytes]:
        comma = b""
        yield before
        steps = Steps(page.ids, _AT_ONCE)
        while steps:
            text = await asyncio.to_thread(self._text, steps.take())
            steps.took(len(text))
            if text:
                yield comma + text
                comma = b","
        yield after

    def _text(self, identifiers: Sequence[str]) -> bytes:
        now = self._registrar.now()
        found = [entry.enriched(now) for entry in self._registrar.entries(identifiers)]
        return ",".join(_json(content) for content in found).encode()


def _next(wanted: Wanted, page: Page) -> str | None:
    end = wanted.offset + len(page.ids)
    more = wanted.limit is not None and end < page.total and page.ids
    return wanted.address(end) if more else None


def _links(wanted: Wanted, page: Page) -> Iterator[str]:
    """RFC 8288; the version of the whole tells a client whether pages still fit together."""
    following = _next(wanted, page)
    if following is not None:
        yield f'<{following}>; rel="next"'
    yield f'</things>; rel="canonical"; etag="{page.version}"'


def _collection(wanted: Wanted, page: Page) -> tuple[bytes, bytes]:
    """What stands before and behind the members."""
    head: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "ThingCollection",
        "@id": wanted.address(wanted.offset),
        "total": page.total,
    }
    following = _next(wanted, page)
    if following is not None:
        head["next"] = following
    return _json(head)[:-1].encode() + b',"members":[', b"]}"


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    plain = text.isascii() and text.isdigit() and len(text) < 20
    if not plain or not least <= int(text) <= _MOST:
        raise ProblemError(400, f"{name} {text[:80]!r} is not a whole number from {least} on")
    return int(text)


def _one_of(query: Mapping[str, str], name: str, *known: str) -> str | None:
    text = query.get(name)
    if text is not None and text not in known:
        raise ProblemError(400, f"{name} {text[:80]!r} is neither {' nor '.join(known)}")
    return text
