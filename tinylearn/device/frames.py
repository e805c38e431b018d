"""Frames over a byte stream: COBS and a CRC-32, as ``firmware/src/tl_frame.c``.

COBS: S. Cheshire, M. Baker, "Consistent overhead byte stuffing", IEEE/ACM Transactions on
Networking 7(2), 1999. The CRC is that of IEEE 802.3 and zlib, little-endian at the end.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from tinylearn.errors import BadInputError

DELIMITER = b"\0"
CRC_BYTES = 4
_RUN = 254  # longest run of a COBS block


def _blocks(run: bytes, last: bool) -> Iterator[bytes]:
    """COBS blocks of a run without zeros; the last one of a frame drops an empty end."""
    whole = len(run) // _RUN
    for i in range(whole):
        yield b"\xff" + run[i * _RUN : (i + 1) * _RUN]
    rest = run[whole * _RUN :]
    if rest or not last or not run:
        yield bytes([len(rest) + 1]) + rest


def stuff(data: bytes) -> bytes:
    """COBS: the same bytes without a zero among them."""
    runs = data.split(DELIMITER)
    last = len(runs) - 1
    return b"".join(block for i, run in enumerate(runs) for block in _blocks(run, i == last))


def unstuff(data: bytes) -> bytes:
    """Inverse of :func:`stuff`. Raises BadInputError where a block is cut short."""
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + data[at]
        if data[at] == 0 or end > len(data):
            raise BadInputError("frame: a COBS block is cut short")
        parts.append(data[at + 1 : end])
        if data[at] <= _RUN and end < len(data):
            parts.append(DELIMITER)
        at = end
    return b"".join(parts)


def encode(content: bytes) -> bytes:
    """The frame of a message: delimiter, stuffed content and CRC, delimiter."""
    crc = zlib.crc32(content).to_bytes(CRC_BYTES, "little")
    return DELIMITER + stuff(content + crc) + DELIMITER


def decode(stuffed: bytes) -> bytes:
    """Content of what stood between two delimiters. Raises BadInputError where it is damaged."""
    data = unstuff(stuffed)
    content, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if not content or zlib.crc32(content).to_bytes(CRC_BYTES, "little") != crc:
        raise BadInputError("frame: the CRC does not match")
    return content


class Decoder:
    """Cuts a byte stream into the contents of its frames.

    ``limit``: most stuffed bytes that are kept while waiting for a delimiter. ``bad`` counts
    the frames that were damaged or too long and are dropped.
    """

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.bad = 0
        self._rest = b""
        self._skip = False

    def feed(self, data: bytes) -> list[bytes]:
        """Contents of the frames that these bytes complete."""
        *done, self._rest = (self._rest + data).split(DELIMITER)
        if done and self._skip:
            done, self._skip = done[1:], False
        if len(self._rest) > self.limit:
            self.bad += not self._skip
            self._rest, self._skip = b"", True
        return [content for stuffed in done if (content := self._content(stuffed))]

    def _content(self, stuffed: bytes) -> bytes | None:
        if not stuffed:
            return None
        try:
            return decode(stuffed)
        except BadInputError:
            self.bad += 1
            return None
