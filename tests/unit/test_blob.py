"""The weights blob: golden bytes, round trip, and every kind of damage."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.device import blob as blobs
from tinylearn.device.blob import Blob
from tinylearn.errors import BadInputError

WEIGHTS = np.arange(6, dtype="<f4").tobytes()
BLOB = Blob(bytes(range(16)), ((0, 4), (16, 2)), WEIGHTS, (7, 4_000_000_000))
GOLDEN = (
    "544c574201003400" "000102030405060708090a0b0c0d0e0f" "1800000008000000" "01000200"
    "0000000004000000" "1000000002000000"
    "000000000000803f0000004000004040000080400000a040" "0700000000286bee"
    "00000000" "2975be3f" "544c4f4b"
)  # fmt: skip


def test_golden_bytes() -> None:
    assert BLOB.pack().hex() == GOLDEN


def test_arrays() -> None:
    assert [a.tolist() for a in BLOB.arrays()] == [[0, 1, 2, 3], [4, 5]]


@given(
    st.binary(min_size=16, max_size=16),
    st.lists(st.integers(0, 20), max_size=5),
    st.lists(st.integers(0, 2**32 - 1), max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_round_trip(model: bytes, sizes: list[int], labels: list[int], sequence: int) -> None:
    offsets = [4 * sum(sizes[:i]) for i in range(len(sizes))]
    tensors = tuple(zip(offsets, sizes, strict=True))
    blob = Blob(model, tensors, bytes(4 * sum(sizes)), tuple(labels), sequence)
    assert blobs.unpack(blob.pack()) == blob


def test_every_flipped_bit_is_found() -> None:
    data = BLOB.pack()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadInputError, match=r"field\.tlw"):
            blobs.unpack(bytes(damaged), "field.tlw")


def test_every_truncation_and_an_added_byte_are_found() -> None:
    data = BLOB.pack()
    for n in range(len(data)):
        with pytest.raises(BadInputError):
            blobs.unpack(data[:n])
    with pytest.raises(BadInputError, match="do not fit"):
        blobs.unpack(data + b"\0")


def test_a_tensor_beyond_the_weights_is_refused_even_with_a_true_crc() -> None:
    blob = dataclasses.replace(BLOB, tensors=((0, 4), (16, 3)))
    with pytest.raises(BadInputError, match="beyond the weights"):
        blobs.unpack(blob.pack())


@given(st.binary(max_size=200))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(BadInputError):
        blobs.unpack(data)
    with pytest.raises(BadInputError):
        blobs.unpack(blobs.MAGIC + data)
