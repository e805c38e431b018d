"""/events: what happens to the things, as Server-Sent Events (7.3.2.2).

Nothing is sent in between: clients take comments for events. That one has gone is seen by TCP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tinylearn.directory import media
from tinylearn.directory.draft import CREATED, DELETED, UPDATED
from tinylearn.directory.event_log import Event, EventLog
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.resource import resource

_KINDS = (CREATED, UPDATED, DELETED)
_DIFF = {"true": True, "false": False, "": True}


class Events:
    """The endpoints."""

    def __init__(self, log: EventLog, most: int) -> None:
        self._log = log
        self._most = most

    def routes(self) -> list[Route]:
        """All kinds of events, or one."""
        return [
            resource("/events", {"GET": self._get}),
            resource("/events/{kind}", {"GET": self._get}),
        ]

    async def _get(self, request: Request) -> Response:
        media.accepted(request, (media.EVENTS,))
        kind, diff = _kind(request), _diff(request)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return StreamingResponse((), 200, headers, media.EVENTS)  # no Content-Length
        if self._log.listeners >= self._most:
            busy = {"Retry-After": "10"}
            raise ProblemError(503, "too many listen to events already; try later", (), busy)
        place = self._log.place(request.headers.get("last-event-id"))
        return StreamingResponse(self._stream(place, kind, diff), 200, headers, media.EVENTS)

    async def _stream(self, place: int, kind: str | None, diff: bool) -> AsyncIterator[str]:
        """Ends with the service, and for a client that has fallen behind what is remembered: it
        comes again and is given what there is."""
        with self._log.listening() as something:
            while True:
                something.clear()
                is_over = self._log.is_closed
                events = self._log.since(place)
                if events is None:
                    return
                for event in events:
                    place = event.number
                    if kind in (None, event.kind):
                        yield self._text(event, diff)
                if is_over:
                    return
                if not events:
                    await something.wait()

    def _text(self, event: Event, diff: bool) -> str:
        data = event.full if diff else event.plain
        return f"event: {event.kind}\nid: {self._log.name(event)}\ndata: {data}\n\n"


def _kind(request: Request) -> str | None:
    kind = request.path_params.get("kind")
    if kind is not None and kind not in _KINDS:
        raise ProblemError(404, f"there are no events {kind[:80]!r}, but {', '.join(_KINDS)}")
    return kind


def _diff(request: Request) -> bool:
    text = request.query_params.get("diff", "false")
    if text not in _DIFF:
        raise ProblemError(400, f"diff {text[:80]!r} is neither true nor false")
    return _DIFF[text]
