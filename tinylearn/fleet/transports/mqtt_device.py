"""One device's end over MQTT."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.topics import check_name, topic
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_connection import Connection, Token
from tinylearn.fleet.transports.mqtt_login import Session

_WAIT_SECONDS = 1.0


class MqttDevice:
    """A DeviceLink with a thread that carries its messages. The broker keeps nothing for a device
    that is away: the coordinator repeats what matters."""

    def __init__(
        self,
        url: BrokerUrl,
        fleet: str,
        device: str,
        credentials: Credentials | None,
        backoff: Backoff | None = None,
    ) -> None:
        check_name("device", device)
        self._url, self._device, self._credentials = url, device, credentials
        self._up, self._down, self._state_topic = (
            topic(fleet, device, channel) for channel in ("up", "down", "state")
        )
        self._backoff = backoff
        self._state = self._will = b""
        self._deliver: Callable[[bytes], None] | None = None
        self._connection: Connection | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=lambda: None)
        self.counts = Counts()

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        """See DeviceLink. Raises DeviceError where there is no broker, or it refuses."""
        self._state, self._will, self._deliver = state, will, deliver
        session = Session(self._device, (self._down,), will=(self._state_topic, will))
        self._connection = Connection(
            self._url, session, self._credentials, self._received, self._ready, self._backoff
        )
        self.counts = self._connection.counts
        self._connection.open()
        self._closing.clear()
        self._carry(self._connection)

    def _carry(self, connection: Connection) -> None:
        self._thread = threading.Thread(
            target=self._run, args=(connection,), name=f"mqtt {self._device}", daemon=True
        )
        self._thread.start()

    def _run(self, connection: Connection) -> None:
        """Whatever ends the thread ends the connection."""
        try:
            while not self._closing.is_set():
                connection.wait(_WAIT_SECONDS)
        finally:
            if not self._closing.is_set():
                connection.abort()

    def _ready(self) -> None:
        self._publish(self._state_topic, self._state, retain=True)

    def _received(self, name: str, content: bytes, token: Token) -> None:
        connection = self._connection
        if connection is None or self._deliver is None:  # somebody closes it at this moment
            return
        connection.acknowledge(token)
        if name != self._down or len(content) > MOST_BYTES:
            self.counts.add("unknown_topic" if name != self._down else "oversized")
            return
        self.counts.add("received")
        self._deliver(content)

    def _publish(self, name: str, content: bytes, retain: bool = False) -> None:
        connection = self._connection  # which another thread may be closing
        if connection is not None:
            connection.publish(name, content, retain)
            connection.flush()

    def send(self, content: bytes) -> None:
        """See DeviceLink; dropped and counted where there is no connection."""
        self._publish(self._up, content)

    def announce(self, state: bytes) -> None:
        """See DeviceLink."""
        self._state = state
        self._publish(self._state_topic, state, retain=True)

    def close(self) -> None:
        """Leaves the will behind as the state, then disconnects."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.publish(self._state_topic, self._will, retain=True)
        self._closing.set()
        connection.wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        connection.close()
