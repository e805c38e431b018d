"""Weight blobs, mutated under a valid CRC or a broken one."""

from __future__ import annotations

import random
import struct
import zlib

from engine import changed_bytes

from tinylearn.device.blob import Blob, unpack


class WeightsBlob:
    """See engine.Parser."""

    def seeds(self) -> list[bytes]:
        """With and without labels."""
        return [Blob(bytes(16), ((0, 4), (16, 2)), bytes(24), (1, 2), 7).pack(),
                Blob(bytes(16), (), b"").pack()]  # fmt: skip

    def mutate(self, rng: random.Random, data: bytes, other: bytes) -> bytes:
        """Mostly with the CRC that the changed bytes have."""
        data = changed_bytes(rng, data, other)
        if len(data) < 8 or rng.random() < 0.2:
            return data
        return data[:-8] + struct.pack("<I4s", zlib.crc32(data[:-8]), b"TLOK")

    def run(self, data: bytes) -> None:
        """Read it, and its arrays."""
        unpack(data).arrays()
