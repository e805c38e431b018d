"""A proxy in front of a broker that loses, doubles and reorders MQTT messages, not bytes.

A message that is lost is acknowledged all the same, as by a broker that drops it for want of room:
otherwise its sender would soon wait for room among the messages under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter

from tinylearn.fleet.transports.broker_url import parse_url

_PUBLISH = 3


class LossyProxy:
    """Use in a ``with`` statement. Only PUBLISH packets are touched, each way alike."""

    def __init__(self, url: str, loss: float, duplication: float, reordering: float,
                 seed: int) -> None:  # fmt: skip
        self._broker = parse_url(url)
        self._chances = loss, duplication, reordering
        self._random, self.counts = random.Random(seed), Counter[str]()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.url = ""

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, sink = await asyncio.open_connection(self._broker.host, self._broker.port)
        with contextlib.suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            await asyncio.gather(self._pass(reader, sink, writer), self._pass(source, writer, sink))
        for end in (writer, sink):
            end.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        held = b""
        while True:
            packet = await _packet(source)
            if packet[0] >> 4 == _PUBLISH:
                if self._random.random() < self._chances[0]:
                    self.counts["lost"] += 1
                    back.write(_acknowledgement(packet))
                    continue
                packet, held = self._harmed(packet, held)
            sink.write(packet)
            await sink.drain()

    def _harmed(self, packet: bytes, held: bytes) -> tuple[bytes, bytes]:
        """What is passed on now, and what waits until the next message."""
        _, duplication, reordering = self._chances
        if self._random.random() < duplication:
            self.counts["doubled"] += 1
            packet += packet
        if not held and self._random.random() < reordering:
            self.counts["overtaken"] += 1
            return b"", packet
        return packet + held, b""


def _acknowledgement(packet: bytes) -> bytes:
    """PUBACK of a PUBLISH of QoS 1; nothing for one of QoS 0."""
    if not packet[0] & 6:
        return b""
    start = next(i for i in range(1, 6) if packet[i] < 128) + 1
    topic = int.from_bytes(packet[start : start + 2])
    number = packet[start + 2 + topic : start + 4 + topic]
    return bytes([4 << 4, 2]) + number


async def _packet(source: asyncio.StreamReader) -> bytes:
    """One whole MQTT packet (MQTT 5, section 2.1)."""
    head, length, shift = await source.readexactly(1), 0, 0
    while True:
        byte = await source.readexactly(1)
        head += byte
        length |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return head + await source.readexactly(length)
