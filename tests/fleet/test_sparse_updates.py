"""The device's sparse encoding against the host's, byte for byte."""

from __future__ import annotations

import ctypes as c
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fleet_devices import FLEET, library

from tinylearn.fleet.messages import Encoding
from tinylearn.fleet.updates import decode, encode_sparse

BATCH = 8


class State(c.Structure):
    """tl_fleet_update_t."""

    _fields_ = [(name, c.c_uint32) for name in ("total", "crc", "least", "block", "before")]


def pointer(array: np.ndarray) -> c.c_void_p:
    return c.c_void_p(array.ctypes.data)


class CUpdate:
    """An update of some weights, as the device holds it."""

    def __init__(self, now: np.ndarray, version: np.ndarray, share: float) -> None:
        self.lib, self.state = library(*FLEET), State()
        self.now, self.version = (np.ascontiguousarray(a, "<f4") for a in (now, version))
        self.arguments = (c.byref(self.state), pointer(self.now), pointer(self.version),
                          c.c_uint32(now.size))  # fmt: skip
        self.result = self.lib.update_prepare(*self.arguments, c.c_float(share))

    def read(self, offset: int, n: int) -> bytes:
        guarded = np.full(n + BATCH, 0xA5, np.uint8)
        to = c.c_void_p(guarded.ctypes.data)
        self.lib.update_read(*self.arguments, c.c_uint32(offset), to, c.c_uint32(n))
        assert (guarded[n:] == 0xA5).all()
        return guarded[:n].tobytes()

    def stream(self, piece: int) -> bytes:
        """In pieces, one after the other."""
        total = self.state.total
        return b"".join(self.read(at, min(piece, total - at)) for at in range(0, total, piece))


def weights(kind: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two versions; their difference has ties, zeros, or magnitudes from subnormal to huge."""
    rng = np.random.default_rng(seed)
    version = rng.normal(size=n).astype("f4")
    if kind == "ties":
        return version + rng.integers(-2, 3, n).astype("f4"), version
    if kind == "zeros":
        return np.where(rng.random(n) < 0.1, version + 1, version).astype("f4"), version
    if kind == "extreme":
        now = (rng.choice([-1, 1], n) * 2.0 ** rng.integers(-149, 127, n)).astype("f4")
        return now, np.zeros(n, "f4")
    return version + rng.normal(0, 0.01, n).astype("f4"), version


KINDS = st.sampled_from(["normal", "ties", "zeros", "extreme"])


@given(kind=KINDS, n=st.integers(1, 300), seed=st.integers(0, 1 << 16),
       share=st.floats(0, 1, width=32), piece=st.integers(1, 90))  # fmt: skip
def test_the_stream_is_the_hosts_byte_for_byte(
    kind: str, n: int, seed: int, share: float, piece: int
) -> None:
    now, version = weights(kind, n, seed)
    update, expected = CUpdate(now, version, share), encode_sparse(now - version, share)
    assert update.result == 0 and update.stream(piece) == expected
    assert (update.state.total, update.state.crc) == (len(expected), zlib.crc32(expected))
    np.testing.assert_array_equal(
        decode(Encoding.SPARSE_DELTA, expected, version) != 0,
        (now - version != 0) & (np.abs(now - version) >= np.uint32(update.state.least).view("f4")),
    )


@given(kind=KINDS, n=st.integers(1, 200), seed=st.integers(0, 1 << 16), order=st.randoms())
def test_pieces_can_be_asked_for_in_any_order(kind: str, n: int, seed: int, order: object) -> None:
    now, version = weights(kind, n, seed)
    update, expected = CUpdate(now, version, 0.4), encode_sparse(now - version, 0.4)
    for _ in range(30):
        start = order.randint(0, len(expected) - 1)  # type: ignore[attr-defined]
        length = order.randint(0, min(60, len(expected) - start))  # type: ignore[attr-defined]
        assert update.read(start, length) == expected[start : start + length]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 1 / 3, 0.999999])
@pytest.mark.parametrize("n", [10, 30, 1000, 65537])
def test_shares_round_as_on_the_host(share: float, n: int) -> None:
    """ceil(share * n) in float32 is sometimes one more than in float64."""
    delta = np.random.default_rng(n).permutation(n).astype("f4") + 1
    update = CUpdate(delta, np.zeros(n, "f4"), share)
    assert update.state.total == len(encode_sparse(delta, share))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 9, 16])
def test_what_is_not_finite_is_no_update(bad: float, at: int) -> None:
    now = np.ones(17, "f4")
    now[at] = bad
    assert CUpdate(now, np.zeros(17, "f4"), 0.1).result == -1
    huge = np.full(17, -3e38, "f4")
    assert CUpdate(-huge, huge, 0.1).result == -1  # the move overflows
