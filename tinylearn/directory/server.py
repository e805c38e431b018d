"""Runs the service with uvicorn, held to the limits of settings, and ends it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from tinylearn.directory.protocol import HEADER_BYTES, protocol
from tinylearn.directory.settings import Settings
from tinylearn.errors import DeviceError

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
                h11_max_incomplete_event_size=HEADER_BYTES, timeout_keep_alive=_IDLE_SECONDS,
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
