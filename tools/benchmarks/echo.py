"""The yardstick for rounds through a broker: one client sends, another sends it back, QoS 1.

Nothing else is done: a blocking socket on either side, in two processes, without Nagle's algorithm, and no
client library (paho-mqtt's own network thread makes less than half as many rounds). Run as ``echo.py
[URL FLEET COORDINATOR.json DEVICE.json]``; without arguments it starts Mosquitto itself.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import credentials_path, enroll
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports import mqtt_packets as packets
from tinylearn.fleet.transports.broker_url import parse_url
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_packets import Kind, Packet

SIZE = 40_000
_WARM_UP = 20
_SECONDS = 20.0
_MOST = 1 << 20


class _Client:
    """Subscribed to one topic; ``echo`` is the whole of it."""

    def __init__(self, url: str, who: Credentials | None, listens: str) -> None:
        where = parse_url(url)
        self._socket = socket.create_connection((where.host, where.port), _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if where.tls:
            context = (who or Credentials("", "")).tls()
            self._socket = context.wrap_socket(self._socket, server_hostname=where.host)
        self._decoder, self._ready = packets.Decoder(_MOST), list[Packet]()
        self._owed = b""
        user, password = (who.user, who.password) if who else (None, "")
        name = user or f"echo-{listens.rpartition('/')[2]}"
        self._socket.sendall(packets.connect(name, user, password, 0, None))
        if self._next(Kind.CONNACK).body[1:] != b"\0":
            raise ConnectionError(f"broker {url}: refuses {name}")
        self._socket.sendall(packets.subscribe(1, listens))
        self._next(Kind.SUBACK)

    def _next(self, kind: Kind) -> Packet:
        while True:
            while self._ready:
                packet = self._ready.pop(0)
                if packet.kind == kind:
                    return packet
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the broker has hung up")
            self._ready += self._decoder.feed(data)

    def receive(self) -> bytes:
        """The next message; acknowledged with the next one that is sent."""
        message = packets.parse_publish(self._next(Kind.PUBLISH))
        self._owed = packets.puback(message.number)
        return message.content

    def send(self, name: str, content: bytes) -> None:
        self._socket.sendall(self._owed + packets.publish(name, content, 1))
        self._owed = b""

    def close(self) -> None:
        self._socket.sendall(self._owed + packets.DISCONNECT)
        self._socket.close()


def _load(path: str) -> Credentials | None:
    return Credentials.load(path) if path else None


def answer(url: str, fleet: str, device: str, credentials: str) -> None:
    """The device's side: sends back what it gets, up to an empty message."""
    client = _Client(url, _load(credentials), topic(fleet, device, "down"))
    print("ready", flush=True)
    up = topic(fleet, device, "up")
    while content := client.receive():
        client.send(up, content)
    client.close()


def measure(
    url: str,
    fleet: str,
    device: str,
    coordinator_file: str = "",
    device_file: str = "",
    size: int = SIZE,
    seconds: float = 3.0,
) -> float:
    """Rounds a second of ``size`` bytes each way, one after the other, over so many seconds. The
    files hold credentials; "": the broker asks for none."""
    command = [sys.executable, __file__, "answer", url, fleet, device, device_file]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        if other.stdout.readline() != b"ready\n":
            raise RuntimeError(f"broker {url}: the echo's other side cannot connect")
        client = _Client(url, _load(coordinator_file), topic(fleet, device, "up"))
        try:
            return _rounds(client, topic(fleet, device, "down"), bytes(size), seconds)
        finally:
            client.send(topic(fleet, device, "down"), b"")
            client.close()


def _rounds(client: _Client, down: str, content: bytes, seconds: float) -> float:
    start, rounds = time.perf_counter(), -_WARM_UP
    while rounds <= 0 or time.perf_counter() < start + seconds:
        if rounds == 0:
            start = time.perf_counter()
        client.send(down, content)
        client.receive()
        rounds += 1
    return rounds / (time.perf_counter() - start)


def _with_mosquitto() -> float:
    """With TLS, from a folder as users have it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        conf = write_broker_config(folder, "echo", port=port)
        device = enroll(folder, "device")
        url = Credentials.load(device).url
        with subprocess.Popen(["mosquitto", "-c", conf], stderr=subprocess.DEVNULL) as broker:
            try:
                wait_for(port)
                coordinator = str(credentials_path(folder, "coordinator"))
                return measure(url, "echo", "device", coordinator, str(device))
            finally:
                broker.terminate()


def wait_for(port: int) -> None:
    """Until somebody listens on the port of the loopback interface."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("mosquitto does not come up")


if __name__ == "__main__":
    if sys.argv[1:2] == ["answer"]:
        answer(*sys.argv[2:])
    elif len(sys.argv) == 5:
        link, fleet, first, second = sys.argv[1:]
        user = Credentials.load(second).user
        print(
            json.dumps(
                {"echo_rounds_per_second": round(measure(link, fleet, user, first, second), 1)}
            )
        )
    else:
        print(json.dumps({"echo_rounds_per_second": round(_with_mosquitto(), 1)}))
