"""Bytes whose CRC-32 is known, so that who gets them need not take it again."""

from __future__ import annotations

import zlib


class Summed(bytes):
    """``crc`` is the CRC-32 of the bytes, taken when they are made."""

    crc: int

    def __new__(cls, data: bytes) -> Summed:
        """A copy of the bytes."""
        made = super().__new__(cls, data)
        made.crc = zlib.crc32(made)
        return made


def crc_of(data: bytes) -> int:
    """The CRC-32 of bytes."""
    return data.crc if isinstance(data, Summed) else zlib.crc32(data)
