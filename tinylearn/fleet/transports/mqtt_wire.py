"""A connected socket that carries MQTT packets and never blocks, in clear or over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl

from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.mqtt_packets import Packet

_READ_BYTES = 1 << 18
#: TLS wants the same bytes again where it could not write them: no more than these at a time
_WRITE_BYTES = 1 << 18
_LEAVE_SECONDS = 1.0
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """What is written waits until ``flush``. Of a packet ``most`` bytes are kept. ``heard``: whether
    anything has come since this was last set to False, if only a part of a packet."""

    def __init__(self, sock: socket.socket, most: int) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._decoder = packets.Decoder(most, shortens=True)
        self._into = memoryview(bytearray(_READ_BYTES))
        self._waiting = bytearray()
        self.heard = True

    @property
    def waiting(self) -> int:
        """Bytes that have not left."""
        return len(self._waiting)

    @property
    def holds(self) -> bool:
        """Whether TLS has read bytes that the socket no longer has."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def read(self) -> list[Packet]:
        """What has arrived. Raises OSError where the connection has ended, BadInputError for
        what is no MQTT."""
        try:
            size = self.socket.recv_into(self._into)
        except _WOULD_BLOCK:
            return []
        if size == 0:
            raise ConnectionError("the broker has ended the connection")
        self.heard = True
        return list(self._decoder.feed(self._into[:size]))

    def write(self, data: bytes) -> None:
        """Puts a packet behind those that wait."""
        self._waiting += data

    def flush(self) -> None:
        """Sends what the socket takes. Raises OSError."""
        with contextlib.suppress(*_WOULD_BLOCK):
            while self._waiting:
                with memoryview(self._waiting) as whole:
                    sent = self.socket.send(whole[:_WRITE_BYTES])
                del self._waiting[:sent]

    def leave(self) -> None:
        """Says DISCONNECT after all that waits, so that no will is published; then closes."""
        self.write(packets.DISCONNECT)
        with contextlib.suppress(OSError):
            self.socket.settimeout(_LEAVE_SECONDS)
            self.flush()
        self.close()

    def close(self) -> None:
        """Closes the socket."""
        with contextlib.suppress(OSError):
            self.socket.close()
