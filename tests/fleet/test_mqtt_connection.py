"""A connection in front of brokers that are slow, silent, or hang up."""

from __future__ import annotations

import logging
import select
import time
from concurrent.futures import Future

import pytest
from ends import Device
from mosquitto import FLEET, MosquittoServer
from raw_client import RawClient
from silent_broker import CONNACK, SUBACK, SilentBroker
from support.waiting import until

from tinylearn.errors import DeviceError
from tinylearn.fleet.transports import mqtt_connection, mqtt_login
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.broker_url import parse_url
from tinylearn.fleet.transports.mqtt_connection import Connection
from tinylearn.fleet.transports.mqtt_login import Session

PINGREQ, DISCONNECT = 12, 14
CONTENT = bytes(60_000)


def fill(connection: Connection) -> None:
    """More than the sockets take of a broker that does not read."""
    for _ in range(400):
        connection.publish("t", CONTENT, qos=0)
    connection.wait(0)
    assert connection._wire is not None and connection._wire.waiting > 0


def test_a_broker_that_does_not_read_is_waited_for() -> None:
    """Not asked again and again, at the cost of a whole processor; once the sockets take no more."""
    with SilentBroker() as broker:
        connection = broker.connection()
        fill(connection)

        def waits() -> bool:
            began = time.monotonic()
            connection.wait(0.2)
            return time.monotonic() - began >= 0.2

        until(waits)
        connection.close()


def test_what_waited_leaves_when_the_broker_reads_again() -> None:
    with SilentBroker() as broker:
        connection = broker.connection()
        fill(connection)
        broker.client.setblocking(False)
        decoder, got = packets.Decoder(1 << 20), []
        while connection._wire.waiting:
            connection.wait(0.05)
            got += decoder.feed(broker.client.recv(1 << 20))
        connection.publish("t", b"last", qos=0)
        connection.flush()
        broker.client.settimeout(60)
        while not got or not got[-1].body.endswith(b"last"):
            got += decoder.feed(broker.client.recv(1 << 20))
        sizes = [len(packet.body) for packet in got if packet.kind == 3]
        assert sizes == [len(CONTENT) + 3] * 400 + [7]
        connection.close()


def test_more_than_may_wait_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_connection, "_WAITING_MOST", 10 * len(CONTENT))
    with SilentBroker() as broker:
        connection = broker.connection()
        sent = [connection.publish("t", CONTENT) for _ in range(20)]
        assert sent == [True] * 10 + [False] * 10 and connection.counts["dropped"] == 10
        connection.close()


def test_a_broker_that_is_gone_without_a_word_is_noticed() -> None:
    """No FIN, no RST: nothing comes, and nothing answers a ping."""
    with SilentBroker() as broker:
        connection = broker.connection()
        connection._wire.heard, connection._next_ping = True, 0.0
        connection.wait(0)
        assert broker.read(PINGREQ)[-1].kind == PINGREQ and connection.is_ready()
        connection._next_ping = 0.0
        connection.wait(0)
        assert not connection.is_ready()
        connection.close()


def test_a_ping_leaves_at_once() -> None:
    """Who drives the connection may be busy until the next is due, and would find silence."""
    with SilentBroker() as broker:
        connection = broker.connection()
        connection._next_ping = 0.0
        broker.client.sendall(packets.publish(FLEET, b"x", 0))
        while connection._next_ping == 0.0:
            connection.wait(0)
        assert broker.read(PINGREQ)[-1].kind == PINGREQ
        connection.close()


def test_a_packet_that_comes_slowly_is_no_silence() -> None:
    """Or it would be begun anew at each connection, and never be there."""
    got: list[bytes] = []
    with SilentBroker() as broker:
        connection = broker.connection(lambda _topic, content, _token: got.append(content))
        data = packets.publish(FLEET, CONTENT, 1)
        for start in range(0, len(data), 10_000):
            broker.client.sendall(data[start : start + 10_000])
            select.select([connection._wire.socket], [], [], 60)
            connection._wire.heard, connection._next_ping = False, 0.0
            connection.wait(0)
            assert connection.is_ready()
        until(lambda: connection.wait(0.05) or got)
        connection.close()


@pytest.mark.parametrize("step", [1, 3, 7])
def test_packets_that_are_cut_anywhere(step: int) -> None:
    got: list[tuple[str, bytes, object]] = []
    with SilentBroker() as broker:
        connection = broker.connection(lambda *message: got.append(message))
        wanted = [(FLEET, bytes([i]) * (50 * i), (1, i + 1)) for i in range(4)]
        data = b"".join(packets.publish(t, content, number) for t, content, (_, number) in wanted)
        for start in range(0, len(data), step):
            broker.client.sendall(data[start : start + step])
            connection.wait(0)
        until(lambda: connection.wait(0.05) or len(got) == len(wanted))
        assert got == wanted
        for *_, token in got:
            connection.acknowledge(token)
        connection.close()
        acknowledged = [p.body for p in broker.read(DISCONNECT) if p.kind == 4]
        assert acknowledged == [number.to_bytes(2, "big") for number in (1, 2, 3, 4)]


def test_messages_before_the_subscription_is_granted_are_not_lost() -> None:
    """Of a session that the broker has kept."""
    got: list[tuple[str, bytes, object]] = []
    early = packets.publish(FLEET, b"kept", 7)
    with SilentBroker(CONNACK, early + SUBACK + early) as broker:
        connection = broker.connection(lambda *message: got.append(message))
        until(lambda: connection.wait(0.05) or len(got) == 2)
        assert got == [(FLEET, b"kept", (1, 7))] * 2
        connection.close()


def test_a_token_of_a_connection_that_was_lost_is_not_acknowledged_on_the_next() -> None:
    tokens: list[object] = []
    with SilentBroker() as broker:
        connection = broker.connection(lambda *message: tokens.append(message[2]))
        broker.client.sendall(packets.publish(FLEET, b"x", 9))
        until(lambda: connection.wait(0.05) or tokens)
        broker.client.close()
        until(lambda: connection.wait(0.05) or not connection.is_ready())
        broker.suback += packets.publish(FLEET, b"x", 9)
        connection.wait(0.05)
        until(lambda: connection.wait(0.05) or connection._attempt)
        broker.let_in()
        until(lambda: connection.wait(0.05) or len(tokens) == 2)
        assert tokens == [(1, 9), (2, 9)]
        connection.acknowledge(tokens[0])
        connection.publish(FLEET, b"mark", qos=0)
        connection.acknowledge(tokens[1])
        connection.close()
        kinds = [packet.kind for packet in broker.read(DISCONNECT)]
        assert kinds[-3:] == [3, 4, DISCONNECT] and kinds.count(4) == 1


@pytest.mark.parametrize(
    ("connack", "suback", "said"),
    [
        (b"\x20\x02\x00\x05", b"", "refuses who is not authorized"),
        (b"\x20\x02\x00\x04", b"", "refuses user or password"),
        (b"\x20\x02\x00\x63", b"", "refuses for no known reason"),
        (b"\x20\x00", b"", "refuses for no known reason"),
        (CONNACK, b"\x90\x03\x00\x01\x80", "refuses a subscription"),
        (CONNACK, b"\x90\x00", "refuses a subscription"),
        (b"\xff\xff\xff\xff\xff\xff", b"", "MQTT: a length of more than four bytes"),
        (CONNACK, b"\xd0\x00" * 2_000, "messages without end"),
        (CONNACK, b"\x36\x05\x00\x01a\x00\x01" + SUBACK, "QoS 2"),
    ],
)
def test_a_broker_that_refuses_is_told_as_it_is(
    connack: bytes, suback: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_login, "_EARLY_MOST", 1_000)
    with SilentBroker(connack, suback) as broker, pytest.raises(DeviceError, match=said):
        broker.connection()


def test_a_host_that_no_name_can_be_is_told() -> None:
    url = parse_url(f"mqtt://{'a' * 64}.example")
    with pytest.raises(DeviceError, match="no host of this name"):
        Connection(url, Session("c", ("t",)), None, lambda *_: None).open()


def test_a_broker_that_hangs_up_at_once_is_met_less_and_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with SilentBroker() as broker:
        connection = broker.connection()
        connection._backoff = Backoff(1e-3, 1.0)
        for failures in (1, 2, 3):
            broker.client.close()
            until(lambda: connection.wait(0.05) or not connection.is_ready())
            assert connection._backoff.failures == failures
            until(lambda: connection.wait(0.05) or connection._attempt)
            broker.let_in()
            until(lambda: connection.wait(0.05) or connection.is_ready())
        connection._next_ping = 0.0
        connection.wait(0)
        assert connection._backoff.failures == 0
        assert caplog.text.count("connected again") == 3
        connection.close()


@pytest.mark.parametrize("first", ["close", "attempt"])
def test_a_connection_made_while_it_is_closed_is_not_left_behind(first: str) -> None:
    """The broker would keep its session busy until the keep-alive ends."""
    with SilentBroker() as broker:
        connection = broker.connection()
        broker.client.close()
        until(lambda: connection.wait(0.05) or not connection.is_ready())
        until(lambda: connection.wait(0.05) or connection._attempt)
        attempt: Future = connection._attempt
        if first == "close":
            connection.close()
        broker.let_in()
        attempt.result(60)
        connection.close()
        broker.read()  # until the client hangs up
        assert attempt.result()[0].socket.fileno() == -1


def test_a_device_that_is_closed_amid_messages_has_no_mishap(
    mosquitto: MosquittoServer, caplog: pytest.LogCaptureFixture
) -> None:
    """By what one of them leads to, and by another thread."""
    caplog.set_level(logging.WARNING)
    device = Device(mosquitto, "d")
    taken = device._received

    def closing(name: str, content: bytes, token: object) -> None:
        device.close()
        taken(name, content, token)
        device.send(b"too late")

    connection = device._connection
    connection._on_message = closing
    who = mosquitto.credentials()
    with RawClient(mosquitto.url, who.ca) as client:
        assert client.login(who.user, who.password) == 0
        until(lambda: client.publish(device._down, b"x") and not device._thread.is_alive())
    assert connection.counts["failed"] == 0 and not caplog.records
