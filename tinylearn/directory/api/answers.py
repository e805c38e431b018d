"""JSON answers, made beside the event loop by threads of their own, so many at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.responses import Response

from tinylearn.directory import media


class Threads:
    """Those who wait for the first reading of a large store keep nobody else waiting."""

    def __init__(self, most: int) -> None:
        self._limiter = CapacityLimiter(most)

    async def answer(self, make: Callable[[], Any]) -> Response:
        """What ``make`` returns, as JSON."""
        body = await to_thread.run_sync(lambda: _text(make()), limiter=self._limiter)
        return Response(body, 200, {"Cache-Control": "no-cache"}, media.JSON)


def _text(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
