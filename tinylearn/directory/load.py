"""Not more requests at a time than the service can answer; events, which last, are counted elsewhere."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from tinylearn.directory.problem import ProblemError, response

#: how long whoever asked for what took too long is kept from asking again: a flood of such questions would
#: else always be there first
PAUSE_SECONDS = 2.0


class Load:
    """Answers 503 to what is beyond ``most`` requests under way."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another."""
        if scope["type"] != "http" or scope["path"].startswith("/events"):
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            busy = ProblemError(503, "too many requests at a time; try later", (),
                                {"Retry-After": "1"})  # fmt: skip
            await response(busy)(scope, receive, send)
            return
        self._now += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._now -= 1
