"""Weights of a model as a sequence of bytes: the blob of ``firmware/FORMAT.md``.

A file of it, an upload to a device and a slot of a device's store are the same bytes but for
the trailer's sequence number.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinylearn.errors import BadInputError

MAGIC = b"TLWB"
VERSION = 1
FLOAT32 = 1
END_MARK = b"TLOK"
HEADER = struct.Struct("<4sHH16sIIBxH")  # 36 bytes
TENSOR = struct.Struct("<II")
TRAILER = struct.Struct("<II4s")
#: element types of tensors, by bits 28 to 31 of their second word
TYPES = {0: "<f4", 1: "|i1", 2: "|u1", 3: "<i4", 4: "<i2"}
_TYPE_AT = 28


@dataclass(frozen=True)
class Blob:
    """Weights with what they belong to.

    ``model_hash``: 16 bytes. ``tensors``: (byte offset in the weights, type and number of
    elements) each, as in the blob.
    ``labels``: those of the outputs in use, where the output can grow.
    """

    model_hash: bytes
    tensors: tuple[tuple[int, int], ...]
    weights: bytes
    labels: tuple[int, ...] = ()
    sequence: int = 0

    def pack(self) -> bytes:
        """The blob's bytes."""
        table = b"".join(TENSOR.pack(*tensor) for tensor in self.tensors)
        labels = struct.pack(f"<{len(self.labels)}I", *self.labels)
        body = self._header() + table + self.weights + labels
        body += struct.pack("<I", self.sequence)
        return body + struct.pack("<I4s", zlib.crc32(body), END_MARK)

    def _header(self) -> bytes:
        count = len(self.tensors)
        header_bytes = HEADER.size + TENSOR.size * count
        sizes = len(self.weights), 4 * len(self.labels)
        return HEADER.pack(MAGIC, VERSION, header_bytes, self.model_hash, *sizes, FLOAT32, count)

    def arrays(self) -> list[npt.NDArray[Any]]:
        """The tensors, flat, in the table's order."""
        return [np.frombuffer(self.weights, *elements(word), at) for at, word in self.tensors]


def elements(word: int) -> tuple[str, int]:
    """NumPy type ("" where there is none such) and number of a tensor's elements."""
    return TYPES.get(word >> _TYPE_AT, ""), word & ((1 << _TYPE_AT) - 1)


def _check_header(data: bytes, source: str) -> tuple[bytes, int, int, int]:
    """Model hash, weights bytes, labels bytes, tensors; what can be told before the CRC."""
    if len(data) < HEADER.size + TRAILER.size or data[:4] != MAGIC:
        raise BadInputError(f"{source}: not a blob of weights, or cut short")
    _, version, header, model, weights, labels, dtype, count = HEADER.unpack_from(data)
    if version != VERSION:
        raise BadInputError(f"{source}: blob version {version}; this tinylearn reads {VERSION}")
    total = header + weights + labels + TRAILER.size
    if header != HEADER.size + TENSOR.size * count or labels % 4 or total != len(data):
        raise BadInputError(f"{source}: {len(data)} bytes do not fit the blob's header")
    if dtype != FLOAT32 or data[33]:
        raise BadInputError(f"{source}: weights of type {dtype}; only float32 (1) is known")
    return model, weights, labels, count


def _check_trailer(data: bytes, source: str) -> int:
    """The sequence number."""
    sequence, crc, mark = TRAILER.unpack(data[-TRAILER.size :])
    if mark != END_MARK or zlib.crc32(data[:-8]) != crc:
        raise BadInputError(f"{source}: the blob is damaged (CRC or end mark); fetch it again")
    return int(sequence)


def _tensors(data: bytes, count: int, weights: int, source: str) -> tuple[tuple[int, int], ...]:
    table = data[HEADER.size : HEADER.size + TENSOR.size * count]
    tensors = tuple((int(at), int(n)) for at, n in TENSOR.iter_unpack(table))
    for at, word in tensors:
        dtype, n = elements(word)
        if not dtype or at + np.dtype(dtype).itemsize * n > weights:
            raise BadInputError(f"{source}: a tensor reaches beyond the weights")
    return tensors


def unpack(data: bytes, source: str = "weights blob") -> Blob:
    """Read a blob; ``source`` names it in errors. Raises BadInputError where any byte is off."""
    model, weights, labels, count = _check_header(data, source)
    sequence = _check_trailer(data, source)
    tensors = _tensors(data, count, weights, source)
    at = HEADER.size + TENSOR.size * count
    label_bytes = data[at + weights : at + weights + labels]
    names = struct.unpack(f"<{labels // 4}I", label_bytes)
    return Blob(model, tensors, data[at : at + weights], names, sequence)
