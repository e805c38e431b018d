"""A connection to a broker that comes back: paho's client, driven by one thread of ours.

Our own loop instead of paho's: whatever is raised in it ends the connection and not the thread (in
paho's, an exception in a callback ends the thread while ``is_connected()`` stays true), it waits
with epoll (``select`` ends at descriptor 1024), and it reconnects with jitter.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from tinylearn.errors import DeviceError
from tinylearn.fleet.transports import mqtt_client
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_client import Session

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0
_OPEN_SECONDS = 20.0
_OLD = MQTTProtocolVersion.MQTTv311

#: a message's topic ("" where it is not UTF-8), content, and (connection, packet) to acknowledge
Token = tuple[int, int] | None
OnMessage = Callable[[str, bytes, Token], None]


class RefusalError(Exception):
    """The broker answered, with a no."""


class OldBrokerError(Exception):
    """The broker knows no MQTT 5."""


def _topic_of(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""


class Connection:
    """Runs from ``open`` to ``close``. ``on_message`` and ``on_ready`` are called from its thread;
    what they raise is logged and counted."""

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
        self._version = MQTTProtocolVersion.MQTTv5
        self._client = self._make_client()
        self._connection = 0
        self._is_ready = self._opened = False
        self._settled = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._problem: Exception | None = None
        self._wake_pair: tuple[socket.socket, socket.socket] | None = None
        self._thread = threading.Thread(target=lambda: None)

    # ---- for the caller's threads ----

    def open(self) -> None:
        """Returns when connected and subscribed; raises DeviceError, naming the broker, where the
        first attempt fails."""
        self._wake_pair = socket.socketpair()
        for end in self._wake_pair:
            end.setblocking(False)
        self._start_thread()
        self._settled.wait(_OPEN_SECONDS)
        if not self._is_ready:
            problem = self._problem or TimeoutError("it does not answer")
            self.close()
            raise DeviceError(f"broker {self.url}: {_reason(problem)}")
        self._opened = True

    def is_ready(self) -> bool:
        """Whether messages pass. Starts the thread again if something has ended it."""
        with self._starting:
            if self._opened and not self._thread.is_alive() and not self._closing.is_set():
                _log.error("broker %s: the network thread was gone; starting another", self.url)
                self.counts.add("restarts")
                self._start_thread()
        return self._is_ready

    def publish(self, topic: str, content: bytes, retain: bool = False, qos: int = 1) -> bool:
        """Hands a message over; False where it is dropped: not connected, or too much waits
        already."""
        sent = self.is_ready()
        if sent:
            code = self._client.publish(topic, content, qos, retain).rc
            sent = code == MQTTErrorCode.MQTT_ERR_SUCCESS
        self.counts.add("sent" if sent else "dropped")
        self._wake_to_write()
        return sent

    def acknowledge(self, token: Token) -> None:
        """Of an earlier connection, nothing happens: the broker sends the message again, and its
        packet number may now be another's."""
        if token is not None and token[0] == self._connection:
            self._client.ack(token[1], 1)
            self._wake_to_write()

    def close(self) -> None:
        """Disconnects in order; a second call does nothing."""
        self._closing.set()
        self._wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        for end in self._wake_pair or ():
            end.close()

    def _wake_to_write(self) -> None:
        """Mostly the caller's thread has written all, and the other one is better left asleep."""
        if self._client.want_write():
            self._wake()

    def _wake(self) -> None:
        """Whatever has been queued is to be written now. A full pipe, or a closed one, will do."""
        if self._wake_pair is not None:
            with contextlib.suppress(OSError):
                self._wake_pair[1].send(b"\0")

    def _start_thread(self) -> None:
        self._thread = threading.Thread(
            target=self._run, name=f"mqtt {self._session.client_id}", daemon=True
        )
        self._thread.start()

    # ---- the network thread ----

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                mqtt_client.connect(self._client, self.url, self._session)
                self._serve(self._client, self._client.socket())
            except OldBrokerError:
                continue
            except Exception as error:
                self._failed(error)
            finally:
                self._hang_up()
            self._settled.set()
            self._closing.wait(self._backoff.next())

    def _hang_up(self) -> None:
        """From here on, nothing of this connection can be acknowledged."""
        self._is_ready = False
        self._connection += 1
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _failed(self, error: Exception) -> None:
        self._problem = error
        if self._closing.is_set():
            return
        self.counts.add("connections_lost")
        _log.warning("broker %s: %s; trying again", self.url, _reason(error))

    def _serve(self, client: paho.Client, sock: Any) -> None:
        """Until the connection ends or ``close`` is called."""
        assert self._wake_pair is not None
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._wake_pair[0], selectors.EVENT_READ)
            while client.socket() is sock and not self._closing.is_set():
                self._step(client, self._wait(selector, client, sock))
        if not self._closing.is_set():
            raise ConnectionError("the broker has ended the connection")
        self._leave(client)

    def _wait(self, selector: selectors.BaseSelector, client: paho.Client, sock: Any) -> bool:
        """For something to do; whether it is to read. TLS may hold bytes that the socket does not."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE * client.want_write())
        if selector.get_key(sock).events != wanted:
            selector.modify(sock, wanted)
        held = self.url.tls and sock.pending() > 0
        ready = selector.select(0 if held else _IDLE_SECONDS)
        return held or any(key.fileobj is sock for key, _ in ready)

    def _step(self, client: paho.Client, readable: bool) -> None:
        assert self._wake_pair is not None
        with contextlib.suppress(BlockingIOError):
            self._wake_pair[0].recv(4096)
        if readable:
            self._check(client.loop_read())
        if client.want_write():
            self._check(client.loop_write())
        self._check(client.loop_misc())

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            refused = isinstance(self._problem, RefusalError)
            text = paho.error_string(code).rstrip(".").lower()
            raise self._problem if refused and self._problem else ConnectionError(text)

    def _leave(self, client: paho.Client) -> None:
        """Writes what waits, then DISCONNECT, so that the broker does not publish the will."""
        client.disconnect()
        sock: Any = client.socket()
        with contextlib.suppress(OSError, ValueError):
            if sock is not None:
                sock.settimeout(1.0)
            client.loop_write()

    # ---- paho's callbacks, all in the network thread ----

    def _make_client(self) -> paho.Client:
        client = mqtt_client.make(self._session, self._credentials, self._context, self._version)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        client.on_publish = self._published
        return client

    def _connected(self, client: Any, _userdata: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason == "Unsupported protocol version" and self._version != _OLD:
            self._fall_back()
        if reason.is_failure:
            self._problem = RefusalError(str(reason).lower())
            return
        self._problem = None
        self._connection += 1
        if self._session.subscriptions:
            client.subscribe([(topic, 1) for topic in self._session.subscriptions])
        else:
            self._ready()

    def _fall_back(self) -> None:
        """To MQTT 3.1.1, in the next attempt."""
        self._hang_up()
        self._version = _OLD
        self._client = self._make_client()
        raise OldBrokerError

    def _subscribed(
        self, _client: Any, _userdata: Any, _mid: Any, reasons: Any, _more: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._problem = RefusalError("may not subscribe: " + str(reasons[0]).lower())
            raise self._problem
        self._ready()

    def _ready(self) -> None:
        self._is_ready = True
        self._backoff.succeeded()
        self.counts.add("connections")
        self._guarded(self._on_ready)
        self._settled.set()

    def _received(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        token = (self._connection, message.mid) if message.qos else None
        self._guarded(self._on_message, _topic_of(message), message.payload, token)

    def _published(self, _client: Any, _userdata: Any, _mid: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self.counts.add("denied")
            _log.warning("broker %s: refuses a message: %s", self.url, reason)

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:
            self.counts.add("failed")
            _log.exception("broker %s: a message could not be handled", self.url)


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
