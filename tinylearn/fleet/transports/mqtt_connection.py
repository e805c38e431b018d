"""A connection to a broker that comes back, driven by whoever calls ``wait``.

No thread of its own but while it connects again, with jitter: a thread in between would be two more
to wake for each message, and what a message leads to is the caller's to do anyway. Waits with epoll
(``select`` ends at descriptor 1024); what a callback raises is counted and harms nothing.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from tinylearn.errors import BadInputError, DeviceError
from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_login import KEEPALIVE, RefusalError, Session, log_in
from tinylearn.fleet.transports.mqtt_packets import Kind, Packet
from tinylearn.fleet.transports.mqtt_wire import Wire

_log = logging.getLogger(__name__)
#: what may wait to be sent before messages are dropped
_WAITING_MOST = 2000 * MOST_BYTES

#: what to acknowledge: connection and packet; None: nothing
Token = tuple[int, int] | None
OnMessage = Callable[[str, bytes, Token], None]
_LoggedIn = tuple[Wire, list[Packet]]


class Connection:
    """Runs from ``open`` to ``close``. One thread at a time calls ``wait``, and in it come
    ``on_message`` and ``on_ready``; all other methods may be called from anywhere."""

    def __init__(
        self,
        url: BrokerUrl,
        session: Session,
        credentials: Credentials | None,
        on_message: OnMessage,
        on_ready: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self.url, self.counts = url, Counts()
        self._session, self._credentials = session, credentials
        self._on_message, self._on_ready = on_message, on_ready
        self._backoff = backoff or Backoff()
        self._context = (credentials or Credentials("", "")).tls() if url.tls else None
        self._wire: Wire | None = None
        self._lock = threading.Lock()
        self._connection = self._packet = 0
        self._is_stale = self._closed = False
        self._next_ping = self._next_attempt = 0.0
        self._attempt: Future[_LoggedIn] | None = None
        self._wake_pair: tuple[socket.socket, ...] = ()

    # ---- for the caller ----

    def open(self) -> None:
        """Returns when connected and subscribed; raises DeviceError, naming the broker, where that
        fails."""
        self._selector = selectors.DefaultSelector()
        self._wake_pair = socket.socketpair()
        for end in self._wake_pair:
            end.setblocking(False)
        self._selector.register(self._wake_pair[0], selectors.EVENT_READ)
        try:
            self._begin(*self._log_in())
        except (OSError, BadInputError, RefusalError) as error:
            self.close()
            raise DeviceError(f"broker {self.url}: {_reason(error)}") from None

    def is_ready(self) -> bool:
        """Whether messages pass."""
        return self._wire is not None

    def publish(self, topic: str, content: bytes, retain: bool = False, qos: int = 1) -> bool:
        """Puts a message behind what waits for ``flush``; False where it is dropped: not connected,
        or too much waits already."""
        with self._lock:
            sent = self._wire is not None and self._wire.waiting < _WAITING_MOST
            if self._wire is not None and sent:
                number = self._next_number() if qos else 0
                self._wire.write(packets.publish(topic, content, number, retain))
        self.counts.add("sent" if sent else "dropped")
        return sent

    def acknowledge(self, token: Token) -> None:
        """Of an earlier connection, nothing happens: the broker sends the message again, and its
        packet number may now be another's."""
        with self._lock:
            if token is not None and self._wire is not None and token[0] == self._connection:
                self._wire.write(packets.puback(token[1]))

    def flush(self) -> None:
        """What waits leaves now, as far as the socket takes it; ``wait`` sends the rest."""
        if self._flush():
            self.wake()

    def wait(self, seconds: float) -> None:
        """Carries messages: returns when something has arrived, or after so many seconds, or earlier.
        What there is to send leaves before it waits, or in the call after."""
        try:
            if self._wire is None:
                self._take_up(seconds)
            else:
                self._carry(self._wire, seconds)
        except (OSError, BadInputError, RefusalError) as error:
            self._lost(error)

    def wake(self) -> None:
        """Ends ``wait`` at once. A full pipe, or a closed one, will do."""
        with contextlib.suppress(OSError, IndexError):
            self._wake_pair[1].send(b"\0")

    def abort(self) -> None:
        """Loses the connection, in the thread that calls ``wait``; the broker publishes the will."""
        self._lost(ConnectionError("given up"))

    def close(self) -> None:
        """Disconnects in order, when no other thread waits any more; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            wire, self._wire = self._wire, None
            attempt, self._attempt = self._attempt, None
        if wire is not None:
            wire.leave()
        if attempt is not None and attempt.done() and attempt.exception() is None:
            attempt.result()[0].close()
        if self._wake_pair:
            self._selector.close()
        for end in self._wake_pair:
            end.close()

    # ---- connected ----

    def _carry(self, wire: Wire, seconds: float) -> None:
        """Acknowledgements and receipts wait for what is sent next, once: a system call and somebody
        who wakes up fewer."""
        arrived = self._read(wire)
        self._ping(wire)
        if not arrived or self._is_stale:
            self._flush()
        if not arrived and seconds and self._is_readable(wire, seconds):
            arrived = self._read(wire)
        for packet in arrived:
            if self._closed:  # by what a message has led to
                return
            self._handle(packet)
        self._is_stale = wire.waiting > 0

    def _read(self, wire: Wire) -> list[Packet]:
        with self._lock:
            return wire.read()

    def _flush(self) -> int:
        """How many bytes the socket has not taken."""
        with self._lock:
            if self._wire is None:
                return 0
            with contextlib.suppress(OSError):  # what is read next meets it again
                self._wire.flush()
            self._is_stale = False
            return self._wire.waiting

    def _is_readable(self, wire: Wire, seconds: float) -> bool:
        with self._lock:
            waiting, holds = wire.waiting, wire.holds
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0)
        if self._selector.get_key(wire.socket).events != wanted:
            self._selector.modify(wire.socket, wanted)
        ready = self._selector.select(0 if holds else seconds)
        self._empty_pipe()
        return holds or any(key.fileobj is wire.socket for key, _ in ready)

    def _empty_pipe(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_pair[0].recv(4096)

    def _ping(self, wire: Wire) -> None:
        """Now and then, whatever else passes; a broker that is silent from one to the next has gone.
        It leaves at once: who knows when ``wait`` is called next."""
        now = time.monotonic()
        if now < self._next_ping:
            return
        if not wire.heard:
            raise TimeoutError("it is silent")
        wire.heard, self._next_ping = False, now + KEEPALIVE / 2
        with self._lock:
            wire.write(packets.PINGREQ)
        self._flush()
        self._backoff.succeeded()  # not sooner, for a broker that hangs up on who has just come

    def _handle(self, packet: Packet) -> None:
        if packet.kind != Kind.PUBLISH:
            return
        self._backoff.succeeded()  # it serves; where it ends now, it may soon be back
        topic, content, number = packets.parse_publish(packet)
        token = (self._connection, number) if number else None
        self._guarded(self._on_message, topic, content, token)

    def _guarded(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception:
            self.counts.add("failed")
            _log.exception("broker %s: a message could not be handled", self.url)

    def _next_number(self) -> int:
        self._packet = self._packet % 0xFFFF + 1
        return self._packet

    # ---- connecting and losing ----

    def _log_in(self) -> _LoggedIn:
        return log_in(self.url, self._session, self._credentials, self._context)

    def _begin(self, wire: Wire, early: list[Packet]) -> None:
        self._selector.register(wire.socket, selectors.EVENT_READ)
        with self._lock:
            self._connection += 1
            self._wire = wire
        self._next_ping = time.monotonic() + KEEPALIVE / 2
        self.counts.add("connections")
        if self._connection > 1:
            _log.info("broker %s: connected again", self.url)
        self._guarded(self._on_ready)
        for packet in early:
            self._handle(packet)

    def _take_up(self, seconds: float) -> None:
        """Waits for a connection that a thread makes, and from time to time has one made."""
        due = max(0.0, self._next_attempt - time.monotonic())
        if self._attempt is None and not due:
            self._attempt = Future()
            threading.Thread(target=self._try, args=(self._attempt,), daemon=True).start()
        if self._attempt is None or not self._attempt.done():
            self._selector.select(seconds if self._attempt else min(seconds, due))
            self._empty_pipe()
            return
        attempt, self._attempt = self._attempt, None
        self._begin(*attempt.result())

    def _try(self, attempt: Future[_LoggedIn]) -> None:
        try:
            made = self._log_in()
        except Exception as error:
            attempt.set_exception(error)
        else:
            with self._lock:  # of ``close`` and this, the later one closes it
                if self._closed:
                    made[0].close()
                attempt.set_result(made)
        self.wake()

    def _lost(self, error: Exception) -> None:
        """From here on, nothing of this connection can be acknowledged."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            self._selector.unregister(wire.socket)
            wire.close()
        self._next_attempt = time.monotonic() + self._backoff.next()
        self.counts.add("connections_lost")
        _log.warning("broker %s: %s; trying again", self.url, _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message})"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; is the broker running?"
    if isinstance(error, socket.gaierror):
        return "there is no host of this name"
    if isinstance(error, RefusalError):
        return f"refuses {error}"
    return str(error) or type(error).__name__
