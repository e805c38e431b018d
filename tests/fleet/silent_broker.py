"""A broker that lets a client in and then does only what a test says, byte by byte."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from mosquitto import FLEET

from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.mqtt_connection import Connection, OnMessage
from tinylearn.fleet.transports.mqtt_login import Session

_SECONDS = 60.0
CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x03\x00\x01\x01"
_CONNECT, _SUBSCRIBE = 1, 8


class SilentBroker:
    """``client``: the connection of who came last. What everybody gets: ``connack`` after CONNECT,
    ``suback`` after SUBSCRIBE."""

    def __init__(self, connack: bytes = CONNACK, suback: bytes = SUBACK) -> None:
        self.connack, self.suback = connack, suback
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_SECONDS)
        self.url = BrokerUrl("127.0.0.1", self._listener.getsockname()[1], False)
        self.client: socket.socket | None = None

    def __enter__(self) -> SilentBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        if self.client is not None:
            self.client.close()

    def let_in(self) -> None:
        """The next who comes."""
        self.client, _ = self._listener.accept()
        self.client.settimeout(_SECONDS)
        if self.read(_CONNECT):
            self.client.sendall(self.connack)
        if self.read(_SUBSCRIBE):
            self.client.sendall(self.suback)

    def connection(self, on_message: OnMessage = lambda *_: None) -> Connection:
        """One that is open."""
        session = Session("c", (f"{FLEET}/+",), clean=False)
        made = Connection(self.url, session, None, on_message, backoff=Backoff(0.01, 0.02))
        doorman = threading.Thread(target=self.let_in)
        doorman.start()
        try:
            made.open()
        finally:
            doorman.join()
        return made

    def read(self, *kinds: int) -> list[packets.Packet]:
        """What has come, up to a packet of one of these kinds; all where the client hangs up."""
        assert self.client is not None
        decoder, got = packets.Decoder(1 << 20), list[packets.Packet]()
        while not got or got[-1].kind not in kinds:
            data = self.client.recv(1)
            if not data:
                return got
            got += decoder.feed(data)
        return got
