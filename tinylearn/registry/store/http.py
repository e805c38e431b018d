"""HTTP requests to an endpoint, bounded in size and time."""

from __future__ import annotations

import base64
import http.client
import queue
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

from tinylearn.registry.store.addresses import Addresses
from tinylearn.registry.store.errors import AnswerTooLargeError, StoreError

_PIECE = 1 << 16
_SHOWN_BYTES = 300


@dataclass(frozen=True)
class Bounds:
    """Seconds to connect and for a whole answer, and bytes of it."""

    connect_s: float = 5.0
    answer_s: float = 60.0
    answer_bytes: int = 128 << 20


class HttpClient:
    """Connections that are kept, to one server. Threads may share it."""

    def __init__(self, where: Addresses, bounds: Bounds) -> None:
        self._where, self._bounds = where, bounds
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._headers = {"User-Agent": "tinylearn"} | _authorization(where)

    def post(self, path: str, body: bytes, kind: str, accept: str) -> bytes:
        """The answer's body; raises StoreError where there is none, or no good one.

        A kept connection may be closed by the server at the very moment: then once more on a new
        one. What is asked for must bear to be done twice.
        """
        headers = self._headers | {"Content-Type": kind, "Accept": accept}
        while True:
            connection, kept = self._connection()
            try:
                answer = self._exchange(connection, path, body, headers)
            except _GoneError as error:
                connection.close()
                if kept:
                    continue
                raise StoreError(f"{self._where.shown}: does not answer ({error})") from error
            except BaseException:
                connection.close()
                raise
            if connection.sock is None:  # the server wanted it closed
                connection.close()
            else:
                self._idle.put(connection)
            return answer

    def close(self) -> None:
        """Ends the connections that nobody uses."""
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        try:
            return self._idle.get_nowait(), True
        except queue.Empty:
            where, patience = self._where, self._bounds.connect_s
        kind = http.client.HTTPSConnection if where.secure else http.client.HTTPConnection
        connection = kind(where.host, where.port, timeout=patience)
        try:
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sock.settimeout(self._bounds.answer_s)
        except OSError as error:
            connection.close()
            raise StoreError(
                f"{where.shown}: cannot be reached ({error}); is the server running?"
            ) from error
        return connection, False

    def _exchange(self, connection: http.client.HTTPConnection, path: str, body: bytes,
                  headers: dict[str, str]) -> bytes:  # fmt: skip
        late, sock = threading.Event(), connection.sock

        def end() -> None:
            late.set()
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

        # a socket's own timeout begins anew with every byte
        timer = threading.Timer(self._bounds.answer_s, end)
        timer.daemon = True
        timer.start()
        try:
            return self._asked(connection, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise StoreError(
                    f"{self._where.shown}: no whole answer within {self._bounds.answer_s:g} s"
                ) from error
            if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                raise _GoneError(str(error)) from error
            raise StoreError(f"{self._where.shown}: the answer was cut off ({error!r})") from error
        finally:
            timer.cancel()

    def _asked(self, connection: http.client.HTTPConnection, path: str, body: bytes,
               headers: dict[str, str]) -> bytes:  # fmt: skip
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = bytearray()
        while piece := response.read1(_PIECE):
            answer += piece
            if len(answer) > self._bounds.answer_bytes:
                raise AnswerTooLargeError(
                    f"{self._where.shown}: the answer is larger than {self._bounds.answer_bytes:,} B"
                )
        if response.length:
            raise http.client.IncompleteRead(bytes(answer), response.length)
        response.close()  # read1 does not where the length was known
        if not 200 <= response.status < 300:
            raise self._refused(path, response.status, bytes(answer))
        return bytes(answer)

    def _refused(self, path: str, status: int, body: bytes) -> StoreError:
        text = " ".join(body[:_SHOWN_BYTES].decode("utf-8", "replace").split())
        what = {
            401: "wants a user and password; write them into the URL, user:password@",
            403: "does not allow this",
            404: f"has no SPARQL endpoint at {path}; name its base, such as http://HOST:7878 (tinylearn serve is "
            "no such endpoint; it answers queries at /search/sparql)",
        }.get(status, f"answers {status} at {path}")
        return StoreError(f"{self._where.shown}: {what}" + (f" ({text})" if text else ""))


class _GoneError(Exception):
    """The server has closed the connection without an answer."""


def _authorization(where: Addresses) -> dict[str, str]:
    if where.user is None:
        return {}
    both = f"{where.user}:{where.password or ''}".encode()
    return {"Authorization": "Basic " + base64.b64encode(both).decode()}
