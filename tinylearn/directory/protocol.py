"""HTTP/1.1 as uvicorn speaks it, held to what one client may cost, before any request is seen."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tinylearn.directory import problem
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits

HEADER_BYTES = 65536
_MOST_HEADERS = 128
#: parts that a body may come in, however small; beyond, each has some bytes on average
_MOST_PARTS, _PART_BYTES = 1024, 16


def protocol(limits: Limits) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1 with these bounds, for one server."""
    return type("LimitedProtocol", (_LimitedProtocol,), {"limits": limits, "waiting": {}})


class _BoundedConnection(h11.Connection):
    """Headers and parts of a body take some microseconds each, be they empty: so many a request."""

    _parts = _bytes = 0

    def next_event(self) -> Any:
        """Raises RemoteProtocolError for too many of them."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._parts = self._bytes = 0
            if len(event.headers) > _MOST_HEADERS:
                raise h11.RemoteProtocolError("too many headers")
        elif isinstance(event, h11.Data):
            self._parts += 1
            self._bytes += len(event.data)
            if self._parts > _MOST_PARTS + self._bytes // _PART_BYTES:
                raise h11.RemoteProtocolError("too many parts")
        return event


class _LimitedProtocol(H11Protocol):
    """What uvicorn leaves open: how long headers may take, how many connections there are, how long
    a client may not read, how long one may go on sending what has been refused."""

    limits: Limits
    #: those of whom no request is under way, who has waited longest first
    waiting: dict[_LimitedProtocol, None]
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _BoundedConnection(h11.SERVER, HEADER_BYTES)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections and not self._make_room():
            self._refuse(503, "too many connections at a time; try later")
            return
        self.waiting[self] = None
        self._deadline = self.loop.call_later(self.limits.header_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.pop(self, None)
        for timer in (self._deadline, self._stalled, self._linger):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        was_idle = self.conn.their_state is h11.IDLE
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.waiting.pop(self, None)
            self._expect_nothing_soon()
        elif was_idle and self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.header_seconds, self._late)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        refused_body = self.conn.their_state is h11.SEND_BODY
        if refused_body and not self.transport.is_closing():
            # reads on and forgets, since closing now would take the answer from the client
            self._unset_keepalive_if_required()
            self._linger = self.loop.call_later(self.limits.linger_seconds, self._cut_off)
        elif self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.waiting[self] = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is not HTTP/1.1, has too long or too many headers, or a body in too "
                     "many parts")  # fmt: skip

    def _make_room(self) -> bool:
        """Whoever connects and says nothing keeps out nobody who has something to say."""
        silent = next(iter(self.waiting), None)
        if silent is None:
            return False
        del self.waiting[silent]
        silent.transport.close()
        return True

    def _cut_off(self) -> None:
        if self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete:
            self.transport.abort()

    def _late(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self._refuse(408, "the request came too slowly")
        else:
            # browsers connect in advance, and would take an answer for that to their next request
            self.transport.close()

    def _expect_nothing_soon(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, detail: str) -> None:
        """Without the application, as there is no request."""
        body = problem.body(ProblemError(status, detail))
        headers = [(b"content-type", problem.MEDIA_TYPE.encode()), (b"connection", b"close"),
                   (b"content-length", str(len(body)).encode())]  # fmt: skip
        try:
            answer = self.conn.send(h11.Response(status_code=status, headers=headers))
            answer += self.conn.send(h11.Data(data=body)) + self.conn.send(h11.EndOfMessage())
            self.transport.write(answer)
        except h11.LocalProtocolError:
            pass  # in the middle of an answer: nothing can be said any more
        self.transport.close()
