"""Coordinator's and device's end through real brokers: what passes, and what faults do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from brokers import Broker
from ends import Coordinator, Device
from mosquitto import FLEET, MosquittoServer, plain_mosquitto
from raw_client import RawClient
from support.ports import free_port
from support.waiting import until

from tinylearn.errors import DeviceError, UsageError
from tinylearn.fleet.broker import certificates
from tinylearn.fleet.broker.credentials import credentials_path, revoke
from tinylearn.fleet.broker_choice import BrokerChoice, opened_broker
from tinylearn.fleet.messages import MOST_BYTES
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.mqtt import open_coordinator_transport, open_device_link


def test_messages_both_ways(broker: Broker) -> None:
    coordinator, device = Coordinator(broker), Device(broker, "d")
    until(lambda: coordinator.contents("state") == [b"state"])
    longest = bytes(range(256)) * 255
    for content in (b"short", longest):
        device.send(content)
        coordinator.send("d", content)
    until(lambda: coordinator.contents() == [b"short", longest])
    until(lambda: device.got == [b"short", longest])
    device.announce(b"another")
    until(lambda: coordinator.contents("state")[-1] == b"another")
    assert {m.device for m in coordinator.got} == {"d"}
    device.close()
    until(lambda: coordinator.contents("state")[-1] == b"gone")
    coordinator.close()
    coordinator.close()
    assert not coordinator.is_connected()


def test_a_coordinator_that_comes_later_gets_states(broker: Broker) -> None:
    first = Device(broker, "first")
    second = Device(broker, "second")
    coordinator = Coordinator(broker)
    until(lambda: len(coordinator.got) == 2)
    assert {(m.device, m.content) for m in coordinator.got} == {("first", b"state"),
                                                                ("second", b"state")}  # fmt: skip
    assert first.counts["unknown_topic"] == second.counts["unknown_topic"] == 0
    for end in (first, second, coordinator):
        end.close()


def test_a_lost_device_leaves_its_will(broker: Broker) -> None:
    coordinator = Coordinator(broker)
    who = broker.credentials("d")
    broker.reload()
    with RawClient(broker.url, who.ca) as client:
        client.login("d", who.password, will=(topic(FLEET, "d", "state"), b"gone"))
    until(lambda: coordinator.contents("state") == [b"gone"])
    coordinator.close()


def _killed_coordinator(server: MosquittoServer, messages: list[str]) -> None:
    """Takes the messages and is killed before it acknowledges."""
    path = credentials_path(server.folder, "coordinator")
    script = Path(__file__).with_name("coordinator_process.py")
    process = subprocess.Popen(
        [sys.executable, str(script), server.url, FLEET, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        device = Device(server, "d")
        for message in messages:
            device.send(message.encode())
        told = [process.stdout.readline().strip() for _ in range(len(messages) + 1)]
        assert sorted(told) == sorted(["state", *messages])
        process.kill()
        device.close()


def test_a_killed_coordinator_gets_again_what_it_had_not_acknowledged(
    mosquitto: MosquittoServer,
) -> None:
    messages = [f"m{i}" for i in range(40)]
    _killed_coordinator(mosquitto, messages)
    coordinator = Coordinator(mosquitto)
    until(lambda: len(coordinator.contents()) >= len(messages))
    assert coordinator.contents() == [m.encode() for m in messages]
    coordinator.close()
    again = Coordinator(mosquitto)
    until(lambda: again.contents("state"))
    assert again.contents() == []
    again.close()


def test_messages_wait_for_a_coordinator_that_is_away(mosquitto: MosquittoServer) -> None:
    Coordinator(mosquitto).close()
    device = Device(mosquitto, "d")
    device.send(b"waits")
    device.close()
    coordinator = Coordinator(mosquitto)
    until(lambda: coordinator.contents() == [b"waits"])
    coordinator.close()


def test_a_killed_broker_that_comes_back(mosquitto: MosquittoServer) -> None:
    coordinator, device = Coordinator(mosquitto), Device(mosquitto, "d")
    until(lambda: coordinator.contents("state") == [b"state"])
    mosquitto.kill()
    until(lambda: not coordinator.is_connected())
    coordinator.send("d", b"nobody takes this")
    assert coordinator.counts["dropped"] == 1
    mosquitto.start()
    until(lambda: len(coordinator.contents("state")) >= 2)
    until(coordinator.is_connected)
    device.send(b"up")
    coordinator.send("d", b"down")
    until(lambda: coordinator.contents() == [b"up"] and device.got == [b"down"])
    assert coordinator.counts["connections"] == 2
    device.close()
    coordinator.close()


def test_an_acknowledgement_of_an_earlier_connection_is_not_sent(
    mosquitto: MosquittoServer,
) -> None:
    """The broker that has forgotten all starts its packet numbers anew: an old number is another
    message's, which would be lost."""
    coordinator, device = Coordinator(mosquitto, acknowledges=False), Device(mosquitto, "d")
    device.send(b"old")
    until(lambda: coordinator.contents() == [b"old"])
    old = list(coordinator.got)
    mosquitto.kill()
    until(lambda: not coordinator.is_connected())
    mosquitto.start()
    until(lambda: len(coordinator.contents("state")) >= 2)
    device.send(b"new")
    until(lambda: b"new" in coordinator.contents())
    for incoming in old:
        coordinator.acknowledge(incoming)
    coordinator.close()
    again = Coordinator(mosquitto)
    until(lambda: b"new" in again.contents())
    device.close()
    again.close()


def test_nagle_is_off(broker: Broker) -> None:
    coordinator, device = Coordinator(broker), Device(broker, "d")
    for end in (coordinator, device):
        assert end._connection is not None and end._connection._wire is not None
        sock = end._connection._wire.socket
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        end.close()


def test_what_deliver_raises_is_counted_and_harms_nothing(mosquitto: MosquittoServer) -> None:
    coordinator, device = Coordinator(mosquitto), Device(mosquitto, "d")
    until(lambda: coordinator.got)

    def fail(incoming: Incoming) -> None:
        coordinator._deliver = coordinator._take
        raise ValueError("a mistake in the coordinator")

    coordinator._deliver = fail
    device.send(b"first")
    device.send(b"second")
    until(lambda: coordinator.contents() == [b"second"])
    assert coordinator.counts["failed"] == 1 and coordinator.is_connected()
    coordinator.close()
    again = Coordinator(mosquitto)
    until(lambda: again.contents() == [b"first"])
    device.close()
    again.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_device_whose_thread_has_ended_is_gone(mosquitto: MosquittoServer) -> None:
    """Rather than connected and deaf: its will says so."""
    coordinator, device = Coordinator(mosquitto), Device(mosquitto, "d")
    until(lambda: coordinator.contents("state") == [b"state"])

    def end_thread(content: bytes) -> None:
        raise SystemExit

    device._deliver = end_thread
    coordinator.send("d", b"down")
    until(lambda: coordinator.contents("state")[-1] == b"gone")
    device.send(b"up")
    assert device.counts["dropped"] >= 1
    device.close()
    coordinator.close()


def test_a_message_that_is_too_long_does_not_come_again_and_again(tmp_path: Path) -> None:
    """Hanging up on it would: the broker keeps it for the coordinator until it is acknowledged."""
    with plain_mosquitto(tmp_path) as url:
        coordinator = open_coordinator_transport(url, FLEET)
        got: list[Incoming] = []
        coordinator.start(got.append)
        with RawClient(url, "") as client:
            assert client.login(None) == 0
            client.publish(topic(FLEET, "d", "up"), bytes(1 << 20))
            client.publish(topic(FLEET, "d", "up"), b"good")
        until(lambda: coordinator.wait(0.1) or got)
        assert [m.content for m in got] == [b"good"]
        assert coordinator.counts["oversized"] == coordinator.counts["connections"] == 1
        coordinator.close()


def test_a_coordinator_that_was_busy_for_long_stays_connected(mosquitto: MosquittoServer) -> None:
    """What the broker has said meanwhile is read before it is found to be silent."""
    transport = open_coordinator_transport(mosquitto.url, FLEET, mosquitto.credentials())
    transport.start(lambda _m: None)
    connection = transport._connection
    for _ in range(3):
        connection._next_ping = 0.0
        transport.wait(0.2)
    assert transport.is_connected()
    for _ in range(3):
        transport.wait(0.2)
    connection._next_ping, connection._wire.heard = 0.0, False
    transport.wait(0.01)
    assert not transport.is_connected()
    transport.close()


def test_a_revoked_device_is_cut_off(mosquitto: MosquittoServer) -> None:
    device, other = Device(mosquitto, "d"), Device(mosquitto, "other")
    revoke(mosquitto.folder, "d")
    mosquitto.reload()
    until(lambda: mosquitto.refused("login") >= 1)
    assert device.counts["connections"] == 1
    assert other.counts["connections_lost"] == 0
    device.close()
    other.close()


def test_what_is_none_of_ours_is_counted_and_dropped(tmp_path: Path) -> None:
    """A broker that lets anybody do anything, without TLS."""
    with plain_mosquitto(tmp_path) as url:
        coordinator = open_coordinator_transport(url, FLEET)
        got: list[Incoming] = []
        coordinator.start(got.append)
        with RawClient(url, "") as client:
            assert client.login(None) == 0
            client.publish(topic(FLEET, "-bad", "up"), b"x")
            client.publish(topic(FLEET, "a b", "state"), b"x")
            client.publish(topic(FLEET, "d", "up"), b"")
            client.publish(topic(FLEET, "d", "up"), bytes(MOST_BYTES + 1))
            client.publish(topic(FLEET, "d", "up"), b"good")
        until(lambda: coordinator.wait(0.1) or got)
        assert [m.content for m in got] == [b"good"]
        for what, times in {"unknown_topic": 2, "empty": 1, "oversized": 1}.items():
            assert coordinator.counts[what] == times
        coordinator.close()


def test_coordinators_of_one_fleet_do_not_take_each_others_place(tmp_path: Path) -> None:
    """Also where they have no names of their own."""
    with plain_mosquitto(tmp_path) as url:
        both = []
        for shard in (0, 1):
            choice = BrokerChoice(url=url, fleet=FLEET)
            with opened_broker(choice, shard, 2) as broker:
                both.append(broker.transport)
            both[-1].start(lambda _m: None)
        for coordinator in both:
            for _ in range(3):
                coordinator.wait(0.1)
            assert coordinator.is_connected() and coordinator.counts["connections_lost"] == 0
        for coordinator in both:
            coordinator.close()


def test_a_broker_of_another_name(tmp_path: Path) -> None:
    """Its certificate is of the right authority, but for somebody else."""
    server = MosquittoServer(tmp_path)
    issuer = certificates.authority(tmp_path, FLEET)
    certificates.server(tmp_path, issuer, ["other.example"], renew=True)
    server.start()
    with pytest.raises(DeviceError, match="certificate is not to be trusted"):
        Coordinator(server)
    server.kill()


def test_no_broker() -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    with pytest.raises(DeviceError, match=rf"{url}: nobody listens there"):
        open_coordinator_transport(url, FLEET).start(lambda _m: None)
    with pytest.raises(DeviceError, match=url):
        open_device_link(url, FLEET, "d").start(b"", b"", lambda _c: None)


@pytest.mark.parametrize("name", ["+", "#", "a/b", "a+b", "", "$SYS", "a\x00b", "ä", "x" * 65])
def test_names_that_would_be_more_than_one_topic(name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        open_device_link("mqtt://localhost", FLEET, name)
    with pytest.raises(UsageError, match="fleet"):
        open_coordinator_transport("mqtt://localhost", name)
