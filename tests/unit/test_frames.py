"""Frames in Python alone: the format by example, and the stream decoder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.device import frames
from tinylearn.errors import BadInputError


@pytest.mark.parametrize(
    ("data", "stuffed"),
    [
        ("", "01"),
        ("00", "0101"),
        ("0000", "010101"),
        ("11220033", "0311220233"),
        ("11223344", "0511223344"),
        ("11000000", "0211010101"),
    ],
)
def test_examples_of_the_cobs_paper(data: str, stuffed: str) -> None:
    assert frames.stuff(bytes.fromhex(data)).hex() == stuffed
    assert frames.unstuff(bytes.fromhex(stuffed)).hex() == data


def test_blocks_of_254_bytes() -> None:
    run = bytes(range(1, 255))
    assert frames.stuff(run) == b"\xff" + run
    assert frames.stuff(run + b"\xff") == b"\xff" + run + b"\x02\xff"
    assert frames.stuff(run + b"\0") == b"\xff" + run + b"\x01\x01"
    assert frames.unstuff(b"\xff" + run + b"\x01") == run  # the other encoding in use


def test_golden_frame() -> None:
    assert frames.encode(b"123456789").hex() == "000e3132333435363738392639f4cb00"


@given(st.lists(st.binary(min_size=1, max_size=600), max_size=5), st.integers(1, 50))
def test_a_stream_in_any_pieces_gives_its_frames(contents: list[bytes], piece: int) -> None:
    stream = b"".join(frames.encode(content) for content in contents)
    decoder = frames.Decoder()
    got = [f for i in range(0, len(stream), piece) for f in decoder.feed(stream[i : i + piece])]
    assert got == contents
    assert decoder.bad == 0


@given(st.binary(max_size=300))
def test_garbage_never_raises_from_the_decoder(garbage: bytes) -> None:
    decoder = frames.Decoder(limit=100)
    decoder.feed(garbage)
    assert decoder.feed(frames.encode(b"whole")) == [b"whole"]


@pytest.mark.parametrize("stuffed", ["05112233", "00", "0311"])
def test_a_block_cut_short_is_refused(stuffed: str) -> None:
    with pytest.raises(BadInputError, match="cut short"):
        frames.unstuff(bytes.fromhex(stuffed))


def test_an_endless_frame_does_not_grow() -> None:
    decoder = frames.Decoder(limit=100)
    for _ in range(100):
        assert decoder.feed(b"\x11" * 60) == []
    assert decoder.bad == 1
    assert decoder.feed(b"\x11\x11\0" + frames.encode(b"next")) == [b"next"]
