"""Many devices in one event loop, through real brokers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from brokers import Broker
from ends import Coordinator
from mosquitto import FLEET, MosquittoServer

from tinylearn.errors import DeviceError, UsageError
from tinylearn.fleet.broker.credentials import credentials_path, enroll_many
from tinylearn.fleet.transports import mqtt_many
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_many import AsyncDevice, ManyDevices

_MANY = 60


async def soon(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def links(broker: Broker, count: int) -> tuple[ManyDevices, list[AsyncDevice]]:
    names = [f"d{i}" for i in range(count)]
    who = [Credentials.load(path) for path in enroll_many(broker.folder, names)]
    broker.reload()
    many = ManyDevices(broker.url, FLEET, who[0], longest_wait=0.2)
    return many, [many.link(n, w) for n, w in zip(names, who, strict=True)]


async def started(devices: list[AsyncDevice]) -> dict[str, list[bytes]]:
    got: dict[str, list[bytes]] = {d.device: [] for d in devices}
    for device in devices:
        device.start(b"state", b"gone", got[device.device].append)
    await asyncio.gather(*(d.wait_ready() for d in devices))
    return got


def test_all_send_and_receive(broker: Broker) -> None:
    coordinator = Coordinator(broker)

    async def run() -> None:
        many, devices = links(broker, _MANY)
        got = await started(devices)
        await soon(lambda: len(coordinator.contents("state")) == _MANY)
        for device in devices:
            device.send(device.device.encode() + bytes(5000))
            coordinator.send(device.device, device.device.encode() + bytes(50_000))
        await soon(lambda: len(coordinator.contents()) == _MANY)
        await soon(lambda: all(got.values()))
        assert got == {name: [name.encode() + bytes(50_000)] for name in got}
        assert {
            (m.device.encode() + bytes(5000)) for m in coordinator.got if m.channel == "up"
        } == set(coordinator.contents())
        await many.close()
        await soon(lambda: coordinator.contents("state").count(b"gone") >= _MANY)
        assert many.counts["unknown_topic"] == many.counts["nonsense"] == 0

    asyncio.run(run())
    coordinator.close()


def test_lost_connections_come_back(mosquitto: MosquittoServer) -> None:
    coordinator = Coordinator(mosquitto)

    async def run() -> None:
        many, devices = links(mosquitto, 5)
        await started(devices)
        devices[0].drop()
        await soon(lambda: b"gone" in coordinator.contents("state"))
        await soon(lambda: many.counts["connections"] == 6)
        mosquitto.kill()
        await soon(lambda: not any(d.ready.is_set() for d in devices))
        devices[1].send(b"nobody takes this")
        assert many.counts["dropped"] == 1
        mosquitto.start()
        await asyncio.gather(*(d.wait_ready() for d in devices))
        await soon(coordinator.is_connected)
        devices[1].send(b"again")
        await soon(lambda: coordinator.contents() == [b"again"])
        await many.close()

    asyncio.run(run())
    coordinator.close()


def test_refused(broker: Broker) -> None:
    async def run() -> None:
        many, [device] = links(broker, 1)
        good = Credentials.load(credentials_path(broker.folder, "d0"))
        wrong = many.link("d0", Credentials("d0", "wrong", good.ca))
        wrong.start(b"state", b"gone", lambda _content: None)
        await soon(lambda: many.counts["refused"] >= 1)
        with pytest.raises(DeviceError, match="d0 cannot connect"):
            await wrong.wait_ready(0.05)
        assert many.counts["connections"] == 0
        wrong.close()
        await started([device])
        await many.close()

    asyncio.run(run())


def test_nagle_is_off(mosquitto: MosquittoServer) -> None:
    async def run() -> None:
        many, [device] = links(mosquitto, 1)
        await started([device])
        assert device._transport is not None
        sock = device._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        await many.close()

    asyncio.run(run())


def test_what_deliver_raises_is_counted_and_harms_nothing(mosquitto: MosquittoServer) -> None:
    coordinator = Coordinator(mosquitto)

    async def run() -> None:
        many, [device] = links(mosquitto, 1)

        def fail(content: bytes) -> None:
            raise ValueError("a mistake in the twin")

        device.start(b"state", b"gone", fail)
        await device.wait_ready()
        coordinator.send("d0", b"x")
        await soon(lambda: many.counts["failed"] == 1)
        assert device.ready.is_set()
        await many.close()

    asyncio.run(run())
    coordinator.close()


def test_a_password_does_not_cross_the_network_in_clear() -> None:
    many = ManyDevices("mqtt://broker.example", FLEET)
    with pytest.raises(UsageError, match="in clear"):
        many.link("d", Credentials("d", "secret"))


@contextlib.asynccontextmanager
async def scripted_broker(after: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Lets everybody in, then says ``after`` and no more; gives its address and what it was sent."""
    sent: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x01" + after)
        while data := await reader.read(4096):
            sent.append(data)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent


def test_a_broker_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_many, "_KEEPALIVE", 1)

    async def run() -> None:
        async with scripted_broker(b"") as (url, sent):
            many = ManyDevices(url, FLEET, longest_wait=0.1)
            await started([many.link("d")])
            await soon(lambda: many.counts["connections"] >= 2)
            assert any(data.endswith(packets.PINGREQ) for data in sent)
            await many.close()

    asyncio.run(run())


def test_the_state_is_published_again_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that has lost what it retained would never tell of the device."""
    monkeypatch.setattr(mqtt_many, "_KEEPALIVE", 1)

    async def run() -> None:
        will_state_and_once_more = 3
        async with chatty_broker() as (url, published):
            many = ManyDevices(url, FLEET, longest_wait=0.1)
            await started([many.link("d")])
            await soon(lambda: published[b"state"] >= will_state_and_once_more)
            assert many.counts["connections"] == 1
            await many.close()

    asyncio.run(run())


@contextlib.asynccontextmanager
async def chatty_broker() -> AsyncIterator[tuple[str, Counter[bytes]]]:
    """Answers each PINGREQ; counts what is published, and loses it."""
    published: Counter[bytes] = Counter()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x01")
        while data := await reader.read(4096):
            writer.write(b"\xd0\x00" * data.count(packets.PINGREQ))
            published[b"state"] += data.count(b"/state")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", published


@pytest.mark.parametrize("nonsense", [b"\x30\xff\xff\xff\x7f", b"\x30\x02\x00\x09"])
def test_a_broker_that_talks_nonsense_is_left(nonsense: bytes) -> None:
    async def run() -> None:
        async with scripted_broker(nonsense) as (url, _sent):
            many = ManyDevices(url, FLEET, longest_wait=0.1)
            many.link("d").start(b"state", b"gone", lambda _content: None)
            await soon(lambda: many.counts["nonsense"] >= 2)
            await many.close()

    asyncio.run(run())
