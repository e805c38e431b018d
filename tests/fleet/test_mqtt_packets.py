"""MQTT packets: what is written is read, however the stream is cut; nonsense is refused."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from amqtt.adapters import BufferReader
from amqtt.mqtt.connect import ConnectPacket
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.errors import BadInputError
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.mqtt_packets import Decoder, Kind, Packet, Publish

_MOST = 100_000

messages = st.builds(
    Publish,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.binary(max_size=300) | st.integers(0, 40_000).map(bytes),
    st.integers(0, 0xFFFF),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


@given(st.lists(messages, min_size=1, max_size=4), st.lists(st.integers(0, 1 << 20), max_size=6))
def test_what_is_published_is_read(sent: list[Publish], places: list[int]) -> None:
    stream = b"".join(packets.publish(*message) for message in sent)
    decoder = Decoder(_MOST)
    read = [packet for piece in cut(stream, places) for packet in decoder.feed(piece)]
    assert {packet.kind for packet in read} == {Kind.PUBLISH}
    assert [packets.parse_publish(packet) for packet in read] == sent


@given(st.binary(max_size=300))
def test_nonsense_raises_bad_input_and_nothing_else(data: bytes) -> None:
    try:
        for packet in Decoder(200).feed(data):
            assert len(packet.body) <= 200
            packets.parse_publish(packet)
    except BadInputError:
        pass


@pytest.mark.parametrize(
    "head", [b"\x30\xff\xff\x7f", b"\x30\x80\x80\x80\x80\x01", b"\x30\xff\xff\xff\xff"]
)
def test_a_length_beyond_the_limit_is_refused_before_it_is_read(head: bytes) -> None:
    with pytest.raises(BadInputError):
        list(Decoder(_MOST).feed(head))


@given(st.lists(messages, min_size=1, max_size=5), st.integers(60, 300),
       st.lists(st.integers(0, 1 << 20), max_size=8))  # fmt: skip
def test_of_a_packet_beyond_the_limit_the_beginning_is_kept(
    sent: list[Publish], most: int, places: list[int]
) -> None:
    whole = [p for m in sent for p in Decoder(_MOST).feed(packets.publish(*m))]
    decoder, read = Decoder(most, shortens=True), []
    for piece in cut(b"".join(packets.publish(*m) for m in sent), places):
        read += decoder.feed(piece)
        assert len(decoder._buffer) <= most + 5
    assert read == [packet._replace(body=packet.body[:most]) for packet in whole]


@pytest.mark.parametrize(
    "packet",
    [
        Packet(Kind.PUBLISH, 0, b""),
        Packet(Kind.PUBLISH, 0, b"\x00\x02a"),
        Packet(Kind.PUBLISH, 2, b"\x00\x01a\x00"),
        Packet(Kind.PUBLISH, 4, b"\x00\x01a\x00\x01"),
    ],
)
def test_damaged_messages(packet: Packet) -> None:
    with pytest.raises(BadInputError):
        packets.parse_publish(packet)


@given(
    st.text("ab", max_size=9),
    st.none() | st.tuples(st.just("t/x"), st.binary(min_size=1, max_size=9)),
)
def test_a_login_as_another_implementation_reads_it(
    password: str, will: tuple[str, bytes] | None
) -> None:
    data = packets.connect("device", "device", password, 60, will)
    read = asyncio.run(ConnectPacket.from_stream(BufferReader(data)))
    assert (read.client_id, read.username, read.keep_alive) == ("device", "device", 60)
    assert read.clean_session_flag and read.will_flag == (will is not None)
    assert (read.password or "") == password
    if will is not None:
        assert (read.will_topic, bytes(read.will_message)) == will
        assert read.will_retain_flag and read.will_qos == 1
