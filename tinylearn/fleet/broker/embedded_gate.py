"""Stands before the embedded broker: reads CONNECT itself, and bounds what is read after it.

amqtt deletes or takes over a client's session before it has looked at the password, publishes wills
without asking whether the client may, and reads a packet of any size. So it sees a connection only
when the client has proved who it is, and through a reader with a limit.
"""

from __future__ import annotations

import asyncio
from typing import Any

from amqtt.adapters import BufferReader, StreamReaderAdapter, StreamWriterAdapter
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket

from tinylearn.errors import BadInputError
from tinylearn.fleet.broker.access import Access
from tinylearn.fleet.messages import MOST_BYTES

_CONNECT = 0x10
_VERSION_311 = 4
_PACKET_MOST = MOST_BYTES + 1024
_CONNECT_MOST = 4096
_CONNECT_SECONDS = 10.0
_REFUSED_VERSION = b"\x20\x02\x00\x01"
_REFUSED_LOGIN = b"\x20\x02\x00\x05"


class BoundedReader(StreamReaderAdapter):  # type: ignore[misc]
    """Gives back the bytes read already, then the stream, at most a packet's size at a time."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ahead: bytes,
        access: Access,
    ) -> None:
        super().__init__(reader)
        self._writer, self._ahead, self._access = writer, ahead, access
        self._is_over = False

    async def read(self, n: int = -1) -> bytes:
        """Raises IncompleteReadError where more is asked for, then and from then on."""
        if n > _PACKET_MOST:
            self._access.counts.add("oversized")
            self._is_over = True
            self._writer.transport.abort()
        if self._is_over:
            raise asyncio.IncompleteReadError(b"", n)
        head, self._ahead = self._ahead[:n], self._ahead[n:]
        return head + (await self._reader.readexactly(n - len(head)) if n > len(head) else b"")


async def _read_connect(reader: asyncio.StreamReader) -> bytes:
    """The whole packet. Raises BadInputError for anything else."""
    head = await reader.readexactly(2)
    while head[-1] & 0x80 and len(head) < 5:
        head += await reader.readexactly(1)
    size = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(head[1:]))
    if head[0] != _CONNECT or size > _CONNECT_MOST:
        raise BadInputError("MQTT: no CONNECT")
    return head + await reader.readexactly(size)


async def _answer(access: Access, data: bytes) -> bytes | None:
    """The CONNACK that refuses; None where the client may come in."""
    packet: Any = await ConnectPacket.from_stream(BufferReader(data))
    if packet.proto_level != _VERSION_311:
        return _REFUSED_VERSION
    user = packet.username if packet.username_flag else None
    password = packet.password if packet.password_flag else None
    if not access.may_log_in(packet.client_id, user, password):
        return _REFUSED_LOGIN
    will = packet.will_topic if packet.will_flag else None
    return None if access.may_leave_will(packet.client_id, will) else _REFUSED_LOGIN


async def _admit(access: Access, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
    async with asyncio.timeout(_CONNECT_SECONDS):
        data = await _read_connect(reader)
    refusal = await _answer(access, data)
    if refusal is not None:
        writer.write(refusal)
        await writer.drain()
        return None
    return BoundedReader(reader, writer, data, access)


async def serve(
    broker: Any, access: Access, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection, from its first byte to its last; nothing that a client sends raises."""
    try:
        admitted = await _admit(access, reader, writer)
        if admitted is not None:
            await broker.external_connected(admitted, StreamWriterAdapter(writer), "default")
    except (BadInputError, AMQTTError, MQTTError, NoDataError, ValueError, LookupError):
        access.counts.add("nonsense")
    except (OSError, EOFError, TimeoutError):
        access.counts.add("broken_off")
    finally:
        writer.close()
