"""A client that does as it is told, with no manners: what an attacker would write."""

from __future__ import annotations

import contextlib
import socket
import ssl
from types import TracebackType

from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.broker_url import parse_url
from tinylearn.fleet.transports.mqtt_packets import Kind, Packet, Publish

_SECONDS = 60.0


class RawClient:
    """MQTT 3.1.1 on a blocking socket. ``ca``: PEM text of the authority to trust."""

    def __init__(self, url: str, ca: str, context: ssl.SSLContext | None = None) -> None:
        where = parse_url(url)
        self._decoder = packets.Decoder(1 << 20)
        self._packets: list[Packet] = []
        self._heard: list[Publish] = []
        self._socket: socket.socket = socket.create_connection((where.host, where.port), _SECONDS)
        if where.tls:
            context = context or ssl.create_default_context(cadata=ca)
            self._socket = context.wrap_socket(self._socket, server_hostname=where.host)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """A broker that has hung up already is as good an answer as any."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)

    def login(
        self,
        user: str | None,
        password: str = "",
        client: str | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> int | None:
        """The return code of CONNACK; None where the broker just hangs up."""
        self.send(packets.connect(client or user or "nobody", user, password, 60, will))
        answer = self.next(Kind.CONNACK)
        return answer.body[1] if answer else None

    def next(self, *kinds: Kind) -> Packet | None:
        """The next packet of these kinds; None where the connection ends first. Messages that come
        before it are kept for ``heard``."""
        while True:
            while self._packets:
                packet = self._packets.pop(0)
                if packet.kind in kinds:
                    return packet
                if packet.kind == Kind.PUBLISH:
                    self._heard.append(packets.parse_publish(packet))
            try:
                data = self._socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self._packets += self._decoder.feed(data)

    def subscribe(self, name: str) -> None:
        self.send(packets.subscribe(1, name))
        self.next(Kind.SUBACK)

    def publish(self, name: str, content: bytes, retain: bool = False) -> bool:
        """False where the broker hangs up instead of acknowledging."""
        self.send(packets.publish(name, content, 2, retain))
        return self.next(Kind.PUBACK) is not None

    def heard(self) -> list[Publish]:
        """All messages so far, up to the answer to a ping that is sent now."""
        self.send(packets.PINGREQ)
        self.next(Kind.PINGRESP)
        heard, self._heard = self._heard, []
        return heard
