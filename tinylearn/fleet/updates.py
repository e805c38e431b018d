"""What an update's stream of bytes means: whole weights, or those that moved most.

SPARSE_DELTA, for n exchanged weights: a bitmap of ceil(n / 8) bytes, bit i % 8 of byte i // 8 for
weight i, then for each bit that is set, in order, a float32 that is to be added to the weight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinylearn.errors import BadInputError
from tinylearn.fleet.messages import Encoding

Floats = NDArray[np.float32]


def decode(encoding: Encoding, stream: bytes, base: Floats) -> Floats:
    """float32 [n]: by how much each exchanged weight moved from ``base`` [n].

    Raises BadInputError where the stream's length does not fit.
    """
    if encoding == Encoding.SPARSE_DELTA:
        return _sparse(stream, base.size)
    if len(stream) != base.nbytes:
        raise BadInputError(f"update: {len(stream)} bytes for {base.size} weights")
    return np.frombuffer(stream, "<f4") - base


def _sparse(stream: bytes, count: int) -> Floats:
    bitmap = (count + 7) // 8
    bits = np.unpackbits(np.frombuffer(stream[:bitmap], np.uint8), bitorder="little")
    chosen = np.flatnonzero(bits)
    if len(stream) != bitmap + 4 * chosen.size or np.any(chosen >= count):
        raise BadInputError(f"update: {len(stream)} bytes do not fit {count} sparse weights")
    delta = np.zeros(count, np.float32)
    delta[chosen] = np.frombuffer(stream[bitmap:], "<f4")
    return delta


def encode_sparse(delta: Floats, share: float) -> bytes:
    """The ``share`` (0 to 1, at least one) of ``delta`` [n] that is largest; all of equal size are
    in or out together, so that device and host agree."""
    kept = max(1, int(np.ceil(np.float32(share) * np.float32(delta.size))))
    least = np.partition(np.abs(delta), delta.size - kept)[delta.size - kept]
    chosen = np.abs(delta) >= least
    bitmap: bytes = np.packbits(chosen, bitorder="little").tobytes()
    values: bytes = delta[chosen].astype("<f4").tobytes()
    return bitmap + values


def most_bytes(encoding: Encoding, count: int) -> int:
    """The longest stream for ``count`` weights."""
    return 4 * count + ((count + 7) // 8 if encoding == Encoding.SPARSE_DELTA else 0)
