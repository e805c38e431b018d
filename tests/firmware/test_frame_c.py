"""Frames in C against frames in Python, both ways."""

from __future__ import annotations

import ctypes as c
import zlib

from c_runtime import library
from hypothesis import given, settings
from hypothesis import strategies as st

from tinylearn.device import frames

# Zeros, and runs around the 254 bytes of a COBS block, are what can go wrong.
run = st.integers(0, 520).map(lambda n: bytes(1 + i % 255 for i in range(n)))
contents = st.one_of(
    st.binary(min_size=1, max_size=300), st.lists(run, min_size=1, max_size=4).map(b"\0".join)
).filter(bool)


def c_encode(content: bytes) -> bytes:
    out = c.create_string_buffer(2 * len(content) + 16)
    room = c.create_string_buffer(content, len(content) + 4)
    n = library().frame_encode(room, c.c_size_t(len(content)), out)
    return out.raw[:n]


def c_decode(line: bytes, size: int) -> tuple[bytes, int, bytes]:
    """Content, frames dropped, and the bytes behind the buffer."""
    buffer = c.create_string_buffer(b"\xa5" * (size + 8), size + 8)
    bad = c.c_uint16()
    n = library().frame_decode(line, c.c_size_t(len(line)), buffer, c.c_uint16(size), c.byref(bad))
    return buffer.raw[:n], bad.value, buffer.raw[size:]


@given(contents)
@settings(max_examples=300, deadline=None)
def test_both_encoders_give_the_same_bytes(content: bytes) -> None:
    frame = frames.encode(content)
    assert c_encode(content) == frame
    assert 0 not in frame[1:-1]


@given(contents)
@settings(max_examples=300, deadline=None)
def test_each_decodes_what_the_other_encodes(content: bytes) -> None:
    assert c_decode(frames.encode(content), len(content) + 4)[:2] == (content, 0)
    assert frames.Decoder().feed(c_encode(content)) == [content]


@given(contents, st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_frame_is_dropped_by_both(content: bytes, data: st.DataObject) -> None:
    frame = bytearray(frames.encode(content))
    frame[data.draw(st.integers(1, len(frame) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    decoder = frames.Decoder()
    assert decoder.feed(bytes(frame)) == []
    got, bad, _ = c_decode(bytes(frame), len(content) + 4)
    assert got == b"" and bad == decoder.bad > 0


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_noise_before_a_frame_does_not_cost_the_frame(noise: bytes) -> None:
    line = noise + frames.encode(b"after the noise")
    assert frames.Decoder().feed(line)[-1] == b"after the noise"
    assert c_decode(line, 64)[0] == b"after the noise"


@given(st.integers(1, 80), st.integers(0, 100))
@settings(deadline=None)
def test_a_frame_longer_than_the_buffer_never_leaves_it(size: int, longer: int) -> None:
    content = bytes(size + longer)
    got, bad, behind = c_decode(frames.encode(content), size)
    assert (got, bad) == (b"", 1)
    assert behind == b"\xa5" * 8


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_crc_is_that_of_zlib(data: bytes) -> None:
    assert library().crc32_of(data, c.c_size_t(len(data))) == zlib.crc32(data)
