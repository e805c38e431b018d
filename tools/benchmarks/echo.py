"""The yardstick for rounds through a broker: one client sends, another sends it back, QoS 1.

Nothing else is done: bare paho-mqtt on both sides, in two processes, without Nagle's algorithm. Run
as ``echo.py [URL FLEET COORDINATOR.json DEVICE.json]``; without arguments it starts Mosquitto itself.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tinylearn.fleet.broker.config import write_broker_config
from tinylearn.fleet.broker.credentials import credentials_path, enroll
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports.broker_url import parse_url
from tinylearn.fleet.transports.credentials import Credentials

SIZE = 40_000
_WARM_UP = 20
_SECONDS = 20.0


def _set_nodelay(_client: Any, _userdata: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _connected(url: str, who: Credentials | None, listens: str, heard: Any) -> paho.Client:
    """A client that calls ``heard`` with each message of the topic ``listens``."""
    where, subscribed = parse_url(url), threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, who.user if who else "")
    client.on_socket_open = _set_nodelay
    client.on_message = lambda _client, _userdata, message: heard(message.payload)
    client.on_connect = lambda *_: client.subscribe(listens, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    if who is not None:
        client.username_pw_set(who.user, who.password)
    if where.tls:
        client.tls_set_context((who or Credentials("", "")).tls())
    client.connect(where.host, where.port)
    client.loop_start()
    if not subscribed.wait(_SECONDS):
        raise TimeoutError(f"broker {url}: does not let {who.user if who else 'anybody'} subscribe")
    return client


def _load(path: str) -> Credentials | None:
    return Credentials.load(path) if path else None


def answer(url: str, fleet: str, device: str, credentials: str) -> None:
    """The device's side: sends back what it gets, until standard input ends."""
    up = topic(fleet, device, "up")
    down = topic(fleet, device, "down")
    client = _connected(
        url, _load(credentials), down, lambda content: client.publish(up, content, 1)
    )
    print("ready", flush=True)
    sys.stdin.read()
    client.disconnect()
    client.loop_stop()


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
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None and other.stdout is not None
        if other.stdout.readline() != b"ready\n":
            raise RuntimeError(f"broker {url}: the echo's other side cannot connect")
        came_back = threading.Semaphore(0)
        up, down = (topic(fleet, device, channel) for channel in ("up", "down"))
        client = _connected(url, _load(coordinator_file), up, lambda _content: came_back.release())
        try:
            return _rounds(lambda: client.publish(down, bytes(size), 1), came_back, seconds)
        finally:
            client.disconnect()
            client.loop_stop()
            other.stdin.close()


def _rounds(send: Any, came_back: threading.Semaphore, seconds: float) -> float:
    def once() -> None:
        send()
        if not came_back.acquire(timeout=_SECONDS):
            raise TimeoutError("the echo has not come back")

    for _ in range(_WARM_UP):
        once()
    start, rounds = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        once()
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
                _wait_for(port)
                coordinator = str(credentials_path(folder, "coordinator"))
                return measure(url, "echo", "device", coordinator, str(device))
            finally:
                broker.terminate()


def _wait_for(port: int) -> None:
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
