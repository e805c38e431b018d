"""Thousands of devices in one process: asyncio, one small object a connection.

A protocol of our own rather than a client library: a device needs six packets, and none of the
libraries holds against thousands of connections what it must (bounded buffers, no thread or
``select`` a client, jitter, sends that are dropped rather than kept without end while the broker is
away). All methods are called in the event loop's thread and return at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
from asyncio import sslproto
from collections.abc import Callable

from tinylearn.errors import BadInputError, DeviceError
from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.topics import check_name, topic
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import BrokerUrl
from tinylearn.fleet.transports.counts import Counts
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import checked_url
from tinylearn.fleet.transports.mqtt_packets import Kind, Packet

_log = logging.getLogger(__name__)
_PACKET_MOST = MOST_BYTES + 1024
_KEEPALIVE = 60
_TLS_BUFFER = 32 * 1024
_CONNECT_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
#: what may wait in one device's socket before its messages are dropped
_WAITING_MOST = 1 << 20


class ManyDevices:
    """What the devices of one process share: broker, counters, jitter from ``seed``, and how many
    connect at once."""

    def __init__(
        self,
        url: str,
        fleet: str,
        credentials: Credentials | None = None,
        seed: int = 0,
        at_once: int = 50,
        longest_wait: float = 30.0,
    ) -> None:
        """``credentials`` give the authority to trust, and are checked against the address."""
        self.url: BrokerUrl = checked_url(url, credentials)
        self.fleet = check_name("fleet", fleet)
        self.counts = Counts()
        self.random = random.Random(seed)
        self.turn = asyncio.Semaphore(at_once)
        self.longest_wait = longest_wait
        self._links: list[AsyncDevice] = []
        self._trusting = credentials or Credentials("", "")
        self._context = self._trusting.tls() if self.url.tls else None
        # asyncio's buffer for each TLS connection of the process; its 256 KiB are 1.3 GB for 5,000
        sslproto.SSLProtocol.max_size = _TLS_BUFFER

    def context(self, credentials: Credentials | None) -> ssl.SSLContext | None:
        """One for all, unless a device has a certificate of its own."""
        own = self._context is not None and credentials is not None and credentials.certificate
        return credentials.tls() if own and credentials else self._context

    def link(self, device: str, credentials: Credentials | None = None) -> AsyncDevice:
        """A device's end, not started yet."""
        checked_url(str(self.url), credentials)
        link = AsyncDevice(self, check_name("device", device), credentials)
        self._links.append(link)
        return link

    async def close(self) -> None:
        """Closes all links and waits until what they have sent has left, a few seconds at most."""
        for link in self._links:
            link.close()
        if self._links:
            await asyncio.wait([asyncio.create_task(link.closed()) for link in self._links])
        self._links.clear()


class AsyncDevice(asyncio.Protocol):
    """A DeviceLink; ``ready`` is set while it is connected and subscribed."""

    def __init__(self, many: ManyDevices, device: str, credentials: Credentials | None) -> None:
        self.device, self.ready = device, asyncio.Event()
        self._many, self._credentials = many, credentials
        self._topics = {c: topic(many.fleet, device, c) for c in ("up", "down", "state")}
        self._backoff = Backoff(most=many.longest_wait, random=many.random)
        self._transport: asyncio.Transport | None = None
        self._decoder = packets.Decoder(_PACKET_MOST)
        self._lost = asyncio.Event()
        self._number = 0
        self._heard = self._is_second = False
        self._state = self._will = b""
        self._deliver: Callable[[bytes], None] = lambda _content: None
        self._task: asyncio.Task[None] | None = None
        self._ended: asyncio.Task[None] | None = None

    # ---- DeviceLink ----

    def start(self, state: bytes, will: bytes, deliver: Callable[[bytes], None]) -> None:
        """See DeviceLink; connects in the background and again for as long as it is open."""
        self._state, self._will, self._deliver = state, will, deliver
        self._task = asyncio.get_running_loop().create_task(self._stay_connected())

    def send(self, content: bytes) -> None:
        """See DeviceLink; dropped and counted where it cannot be sent."""
        self._publish("up", content)

    def announce(self, state: bytes) -> None:
        """See DeviceLink."""
        self._state = state
        self._publish("state", state, retain=True)

    def close(self) -> None:
        """Leaves the will behind as the state, then disconnects, in the background."""
        if self._task is not None:
            self._publish("state", self._will, retain=True)
            self._write(packets.DISCONNECT)
            self._task.cancel()
            self._ended, self._task = self._task, None
        if self._transport is not None:
            self._transport.close()

    async def closed(self) -> None:
        """Returns when what was sent before ``close`` has left, or cannot leave."""
        if self._ended is not None:
            await asyncio.wait([self._ended])
        with contextlib.suppress(TimeoutError):
            if self._transport is not None:
                await asyncio.wait_for(self._lost.wait(), _CLOSE_SECONDS)
        self.drop()

    def drop(self) -> None:
        """Loses the connection as a device without power does; it will come back."""
        if self._transport is not None:
            self._transport.abort()

    async def wait_ready(self, seconds: float = _CONNECT_SECONDS) -> None:
        """Raises DeviceError where it is not connected by then."""
        try:
            await asyncio.wait_for(self.ready.wait(), seconds)
        except TimeoutError:
            raise DeviceError(f"broker {self._many.url}: {self.device} cannot connect") from None

    # ---- the connection's life ----

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect()
                await self._watch()
            except (OSError, TimeoutError):
                self._many.counts.add("connections_failed")
            finally:
                self._forget()
            await asyncio.sleep(self._backoff.next())

    async def _connect(self) -> None:
        """To SUBACK; raises OSError, TimeoutError."""
        many, url = self._many, self._many.url
        async with many.turn, asyncio.timeout(_CONNECT_SECONDS):
            loop, context = asyncio.get_running_loop(), many.context(self._credentials)
            await loop.create_connection(lambda: self, url.host, url.port, ssl=context)
            lost = loop.create_task(self._lost.wait())
            ready = loop.create_task(self.ready.wait())
            try:
                await asyncio.wait({lost, ready}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                lost.cancel()
                ready.cancel()
        if not self.ready.is_set():
            raise ConnectionError

    async def _watch(self) -> None:
        """Until the connection is lost; a broker that is silent for long is lost, too."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _KEEPALIVE / 2)
                return
            if not self._heard:
                self.drop()
                return
            self._announce_now_and_then()
            self._heard = False
            self._write(packets.PINGREQ)

    def _announce_now_and_then(self) -> None:
        """At every second PINGREQ: the broker may have lost what it retained."""
        self._is_second = not self._is_second
        if not self._is_second:
            self._publish("state", self._state, retain=True)

    def _forget(self) -> None:
        self.ready.clear()
        if self._transport is not None and self._task is not None:
            self._transport.abort()
            self._transport = None

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says who it is."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._decoder = transport, packets.Decoder(_PACKET_MOST)
        self._lost.clear()
        who = self._credentials
        user, password = (who.user, who.password) if who else (None, "")
        will = (self._topics["state"], self._will)
        self._write(packets.connect(self.device, user, password, _KEEPALIVE, will))

    def connection_lost(self, exc: Exception | None) -> None:
        """Wakes the task, which connects again."""
        if self.ready.is_set():
            self._many.counts.add("connections_lost")
        self.ready.clear()
        self._lost.set()

    def data_received(self, data: bytes) -> None:
        """Handles the packets that are whole; nonsense ends the connection."""
        self._heard = True
        try:
            for packet in self._decoder.feed(data):
                self._handle(packet)
        except BadInputError:
            self._many.counts.add("nonsense")
            self.drop()

    def _handle(self, packet: Packet) -> None:
        if packet.kind == Kind.PUBLISH:
            self._received(packet)
        elif packet.kind == Kind.CONNACK and packet.body[1:2] == b"\0":
            self._write(packets.subscribe(self._next_number(), self._topics["down"]))
        elif packet.kind == Kind.SUBACK and packet.body[2:3] in (b"\0", b"\1"):
            self._backoff.succeeded()
            self._many.counts.add("connections")
            self.ready.set()
            self._publish("state", self._state, retain=True)
        elif packet.kind in (Kind.CONNACK, Kind.SUBACK):
            self._many.counts.add("refused")
            self.drop()

    def _received(self, packet: Packet) -> None:
        message = packets.parse_publish(packet)
        if message.number:
            self._write(packets.puback(message.number))
        if message.topic != self._topics["down"]:
            self._many.counts.add("unknown_topic")
            return
        self._many.counts.add("received")
        try:
            self._deliver(message.content)
        except Exception:
            self._many.counts.add("failed")
            _log.exception("device %s: a message could not be handled", self.device)

    # ---- sending ----

    def _next_number(self) -> int:
        self._number = self._number % 0xFFFF + 1
        return self._number

    def _publish(self, channel: str, content: bytes, retain: bool = False) -> None:
        waiting = self._transport.get_write_buffer_size() if self._transport else 0
        if not self.ready.is_set() or waiting > _WAITING_MOST:
            self._many.counts.add("dropped")
            return
        self._many.counts.add("sent")
        number = self._next_number()
        self._write(packets.publish(self._topics[channel], content, number, retain))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
