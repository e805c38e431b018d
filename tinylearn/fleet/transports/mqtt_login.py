"""From an address to a broker that knows who we are and what we want to hear."""

from __future__ import annotations

import select
import socket
import ssl
import time
from dataclasses import dataclass

from tinylearn.errors import BadInputError
from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_packets import Kind, Packet
from tinylearn.fleet.transports.mqtt_wire import Wire

KEEPALIVE = 30
_PACKET_MOST = MOST_BYTES + 1024
_SECONDS = 10.0
#: packets, and bytes of them, that may come before the answer to a subscription
_EARLY_MOST, _EARLY_BYTES = 100_000, 1 << 27
_SUBSCRIPTION = 1
_FAILURE = 0x80
#: what CONNACK says, section 3.2.2.3
_REFUSALS = {1: "its version of MQTT", 2: "the name of this client", 3: "to serve anybody now",
             4: "user or password", 5: "who is not authorized"}  # fmt: skip


class RefusalError(Exception):
    """The broker answered, with a no."""


@dataclass(frozen=True)
class Session:
    """A client's part in the fleet. ``clean``: otherwise the broker keeps messages for it while it
    is away. ``will``: topic and content that the broker publishes, retained, when the connection
    is lost."""

    client_id: str
    subscriptions: tuple[str, ...]
    clean: bool = True
    will: tuple[str, bytes] | None = None


def log_in(
    url: BrokerUrl,
    session: Session,
    credentials: Credentials | None,
    context: ssl.SSLContext | None,
) -> tuple[Wire, list[Packet]]:
    """A connection that is subscribed, and the messages that have come meanwhile; within seconds.
    Raises OSError, BadInputError, RefusalError."""
    wire = Wire(_connected(url, context), _PACKET_MOST)
    try:
        return wire, _welcomed(wire, session, credentials)
    except BaseException:
        wire.close()
        raise


def _connected(url: BrokerUrl, context: ssl.SSLContext | None) -> socket.socket:
    """Without Nagle's algorithm: it and delayed ACKs make 88 ms of what takes 0.5 ms."""
    try:
        sock = socket.create_connection((url.host, url.port), _SECONDS)
    except UnicodeError:  # of IDNA: a part of it is too long, or empty
        raise socket.gaierror(f"{url.host} is no name of a host") from None
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(sock, server_hostname=url.host) if context else sock
    except BaseException:
        sock.close()
        raise


def _welcomed(wire: Wire, session: Session, credentials: Credentials | None) -> list[Packet]:
    user, password = (credentials.user, credentials.password) if credentials else (None, "")
    early: list[Packet] = []
    deadline = time.monotonic() + _SECONDS
    wire.write(packets.connect(session.client_id, user, password, KEEPALIVE, session.will,
                               session.clean))  # fmt: skip
    code = _answer(wire, Kind.CONNACK, early, deadline).body[1:2]
    if code != b"\0":
        raise RefusalError(_REFUSALS.get(code[0] if code else 0, "for no known reason"))
    wire.write(packets.subscribe(_SUBSCRIPTION, *session.subscriptions))
    granted = _answer(wire, Kind.SUBACK, early, deadline).body[2:]
    if len(granted) != len(session.subscriptions) or max(granted) >= _FAILURE:
        raise RefusalError("a subscription: not authorized")
    return early


def _answer(wire: Wire, kind: Kind, early: list[Packet], deadline: float) -> Packet:
    """The next packet of a kind; messages of a session that the broker has kept may come before."""
    size = sum(len(packet.body) for packet in early)
    while True:
        arrived = _arrived(wire, deadline)
        for i, packet in enumerate(arrived):
            if packet.kind == kind:
                early += arrived[i + 1 :]
                return packet
            early.append(packet)
            size += len(packet.body)
        if len(early) > _EARLY_MOST or size > _EARLY_BYTES:
            raise BadInputError("MQTT: messages without end in place of an answer")


def _arrived(wire: Wire, deadline: float) -> list[Packet]:
    wire.flush()
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it does not answer")
    poll = select.poll()  # select.select ends at descriptor 1024
    poll.register(wire.socket, select.POLLIN | (select.POLLOUT if wire.waiting else 0))
    if not wire.holds:
        poll.poll(1000 * left)
    return wire.read()
