"""Makes paho clients as this project needs them, for MQTT 5 or 3.1.1."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.credentials import Credentials

#: what the broker may have sent us that we have not acknowledged
RECEIVE_MOST = 1000
#: what we may have sent that the broker has not acknowledged (Mosquitto's own limit unless it is
#: told otherwise; paho cannot follow the one in CONNACK), and what may wait to be sent
IN_FLIGHT_MOST = 20
QUEUED_MOST = 2000
_PACKET_MOST = MOST_BYTES + 1024
_KEEPALIVE = 30
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Session:
    """A client's part in the fleet. ``expiry``: seconds for which the broker keeps messages for it
    while it is away; 0: none. ``will``: topic and content that the broker publishes, retained, when
    the connection is lost."""

    client_id: str
    subscriptions: tuple[str, ...]
    expiry: int = 0
    will: tuple[str, bytes] | None = None


def _set_nodelay(_client: Any, _userdata: Any, sock: Any) -> None:
    """Nagle's algorithm and delayed ACKs make 88 ms of what takes 0.5 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def make(
    session: Session,
    credentials: Credentials | None,
    context: ssl.SSLContext | None,
    version: MQTTProtocolVersion,
) -> paho.Client:
    """A client that is not connected yet."""
    old = version != MQTTProtocolVersion.MQTTv5
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        session.client_id,
        clean_session=session.expiry == 0 if old else None,
        protocol=version,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages_set(IN_FLIGHT_MOST)
    client.max_queued_messages_set(QUEUED_MOST)
    client.connect_timeout = _CONNECT_SECONDS
    client.on_socket_open = _set_nodelay
    # with this set, paho leaves writing to our loop instead of doing it in the caller's thread
    client.on_socket_register_write = lambda _client, _userdata, _sock: None
    if credentials is not None:
        client.username_pw_set(credentials.user, credentials.password)
    if session.will is not None:
        client.will_set(*session.will, qos=1, retain=True)
    if context is not None:
        client.tls_set_context(context)
    return client


def connect(client: paho.Client, url: BrokerUrl, session: Session) -> None:
    """Connects the socket, shakes hands and sends CONNECT. Raises OSError."""
    if client.protocol != MQTTProtocolVersion.MQTTv5:
        client.connect(url.host, url.port, _KEEPALIVE)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session.expiry
    properties.ReceiveMaximum = RECEIVE_MOST
    properties.MaximumPacketSize = _PACKET_MOST
    clean = session.expiry == 0
    client.connect(url.host, url.port, _KEEPALIVE, clean_start=clean, properties=properties)
