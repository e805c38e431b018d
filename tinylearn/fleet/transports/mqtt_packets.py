"""Packets of MQTT 3.1.1 (OASIS standard, 2014) as a client of QoS 0 and 1 needs them; no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from tinylearn.errors import BadInputError

_MOST_LENGTH_BYTES = 4
_RETAIN, _QOS_1, _QOS_BITS = 1, 2, 6
_CLEAN, _WILL, _WILL_QOS_1, _WILL_RETAIN, _PASSWORD, _USER = 2, 4, 8, 32, 64, 128

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


class Kind(IntEnum):
    """Packet types that a broker sends."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBACK = 9
    PINGRESP = 13


class Packet(NamedTuple):
    """A whole packet: its type, the flags beside it, and what follows the length."""

    kind: int
    flags: int
    body: bytes


class Publish(NamedTuple):
    """``number`` is what to acknowledge; 0 at QoS 0."""

    topic: str
    content: bytes
    number: int


def _text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def _length(size: int) -> bytes:
    """Section 2.2.3: seven bits a byte, the lowest first."""
    out = bytearray()
    while True:
        size, low = size >> 7, size & 0x7F
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + _length(len(body)) + body


def connect(
    client: str, user: str | None, password: str, keepalive: int, will: tuple[str, bytes] | None,
    clean: bool = True,
) -> bytes:  # fmt: skip
    """CONNECT with a clean session, or one that the broker keeps; the will is retained, at QoS 1."""
    flags, payload = _CLEAN if clean else 0, _text(client)
    if will is not None:
        flags |= _WILL | _WILL_QOS_1 | _WILL_RETAIN
        payload += _text(will[0]) + _text(will[1])
    if user is not None:
        flags |= _USER | _PASSWORD
        payload += _text(user) + _text(password)
    return _packet(0x10, _text("MQTT") + struct.pack(">BBH", 4, flags, keepalive) + payload)


def subscribe(number: int, *topics: str) -> bytes:
    """SUBSCRIBE to filters at QoS 1."""
    filters = b"".join(_text(topic) + b"\x01" for topic in topics)
    return _packet(0x82, struct.pack(">H", number) + filters)


def publish(topic: str, content: bytes, number: int, retain: bool = False) -> bytes:
    """PUBLISH at QoS 1, or 0 where ``number`` is 0."""
    flags = (_QOS_1 if number else 0) | (_RETAIN if retain else 0)
    head = _text(topic) + (struct.pack(">H", number) if number else b"")
    return _packet(0x30 | flags, head + content)


def puback(number: int) -> bytes:
    """PUBACK."""
    return _packet(0x40, struct.pack(">H", number))


def parse_publish(packet: Packet) -> Publish:
    """Of a packet of type PUBLISH. Raises BadInputError; a topic that is not UTF-8 is none of
    anybody's, with U+FFFD in it."""
    body, qos = packet.body, (packet.flags & _QOS_BITS) >> 1
    start = 2 + (int.from_bytes(body[:2], "big") if len(body) >= 2 else 0)
    end = start + (2 if qos else 0)
    if len(body) < end or len(body) < 2 or qos > 1:
        raise BadInputError("MQTT: a PUBLISH that is cut off, or at QoS 2")
    topic = body[2:start].decode(errors="replace")
    return Publish(topic, body[end:], int.from_bytes(body[start:end], "big"))


class Decoder:
    """Cuts a stream of bytes into packets of at most ``most`` bytes behind their length.

    With ``shortens`` a longer one is no error: its beginning is kept and the rest dropped as it
    comes. So it can be acknowledged, where hanging up would bring it again at each connection.
    """

    def __init__(self, most: int, shortens: bool = False) -> None:
        self._most, self._shortens = most, shortens
        self._buffer = bytearray()
        self._dropping = 0

    def feed(self, data: bytes | memoryview) -> Iterator[Packet]:
        """The packets that are whole by now. Raises BadInputError; then the stream is lost."""
        dropped = min(self._dropping, len(data))
        self._dropping -= dropped
        self._buffer += data[dropped:]
        start = 0
        while (place := self._body_at(start)) is not None:
            begin, size = place
            end = begin + min(size, self._most)
            if end > len(self._buffer):
                break
            with memoryview(self._buffer) as whole:
                packet = Packet(whole[start] >> 4, whole[start] & 15, bytes(whole[begin:end]))
            start = min(begin + size, len(self._buffer))
            self._dropping = begin + size - start
            yield packet
        del self._buffer[:start]

    def _body_at(self, start: int) -> tuple[int, int] | None:
        """Where the body of the packet at ``start`` begins, and its size; None while its length is
        not there."""
        size, shift = 0, 0
        for i in range(start + 1, min(len(self._buffer), start + 1 + _MOST_LENGTH_BYTES)):
            size |= (self._buffer[i] & 0x7F) << shift
            shift += 7
            if size > self._most and not self._shortens:
                raise BadInputError(f"MQTT: a packet of more than {self._most} bytes")
            if self._buffer[i] < 0x80:
                return i + 1, size
        if shift == 7 * _MOST_LENGTH_BYTES:
            raise BadInputError("MQTT: a length of more than four bytes")
        return None
