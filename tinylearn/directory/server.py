"""Runs the service with uvicorn, held to the limits of settings, and ends it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from tinylearn.directory import problem
from tinylearn.directory.problem import ProblemError
from tinylearn.directory.settings import Limits, Settings
from tinylearn.errors import DeviceError

_HEADER_BYTES = 65536
_IDLE_SECONDS = 15
_STOP_SECONDS = 10
#: of a connection on which nothing goes: after so many seconds, so often, so many times
_TCP_IDLE, _TCP_EVERY, _TCP_TIMES = 60, 15, 4


class Server(uvicorn.Server):
    """``started``: called with the URL when it listens. Signals are the caller's: see ``stop``."""

    def __init__(self, app: Starlette, settings: Settings, started: Callable[[str], None]) -> None:
        self._app = app
        self._settings = settings
        self._on_start = started
        logging.getLogger("uvicorn.error").addFilter(_is_a_mistake)
        super().__init__(
            uvicorn.Config(
                app, http=protocol(settings.limits), ws="none", lifespan="on", log_config=None,
                access_log=False, proxy_headers=False, server_header=False,
                h11_max_incomplete_event_size=_HEADER_BYTES, timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS, log_level="error",
                headers=[("X-Content-Type-Options", "nosniff")],
            )
        )  # fmt: skip

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Until ``stop``. Raises DeviceError where the address cannot be had."""
        with contextlib.closing(listen(self._settings)) as listener:
            super().run(sockets=[listener, *(sockets or [])])

    def stop(self) -> None:
        """From a signal handler or another thread: what is under way is answered first."""
        self.should_exit = True

    def hurry(self) -> None:
        """After ``stop``: what is under way is cut off."""
        self.force_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, and tells where."""
        await super().startup(sockets)
        if self.started and sockets:
            self._on_start(url(sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Events would go on for ever: their streams end first."""
        self._app.state.events.close()
        await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn leaves it out then, and prints that it was cancelled
            await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone."""
        yield


def _is_a_mistake(record: logging.LogRecord) -> bool:
    """Requests that were cut off at the end are none."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def listen(settings: Settings) -> socket.socket:
    """A socket that finds out on its own when the other end has gone. Raises DeviceError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # named TCP, or asyncio would let Nagle's algorithm hold short answers back for 40 ms
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _keep_alive(found)
        found.bind((settings.host.strip("[]"), settings.port))
        found.listen(settings.limits.connections)
    except OSError as error:
        found.close()
        where = f"{settings.host} port {settings.port}"
        raise DeviceError(f"{where}: cannot listen there: {error.strerror or error}") from None
    return found


def url(listener: socket.socket) -> str:
    """Of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _keep_alive(found: socket.socket) -> None:
    """Accepted sockets inherit it."""
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", _TCP_IDLE), ("TCP_KEEPINTVL", _TCP_EVERY),
                        ("TCP_KEEPCNT", _TCP_TIMES)):  # fmt: skip
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def protocol(limits: Limits) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1 with these bounds."""
    return type("LimitedProtocol", (_LimitedProtocol,), {"limits": limits})


class _LimitedProtocol(H11Protocol):
    """What uvicorn leaves open: how long headers may take, how many connections there are, how long
    a client may not read, how long one may go on sending what has been refused."""

    limits: Limits
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, "too many connections at a time; try later")
        else:
            self._deadline = self.loop.call_later(self.limits.header_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is not HTTP/1.1, or its headers are too long")

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
