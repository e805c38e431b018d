"""How fast the fleet's coordinator is, through a real Mosquitto on this machine.

Sequential rounds: TinyReptile with about 10,000 float32 parameters, one device after the other, each
round durable in SQLite, beside an echo of as many bytes through the same broker in the same run: by
an MQTT library (paho) alone, and by bare sockets without one. Echo and rounds take turns, and of each
the median counts, since neighbours on a machine come and go. Many devices:
thousands of twins of the generated C, all connected, a thousand of them asked in each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

import echo
import numpy as np
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tinylearn.cli.output import print_table
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.fleet.agent import TwinAgent
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import load_project
from tinylearn.fleet.records import Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find as find_strategy
from tinylearn.fleet.topics import topic
from tinylearn.fleet.transports.broker_url import parse_url
from tinylearn.fleet.transports.mqtt import open_coordinator_transport, open_device_link
from tinylearn.fleet.transports.mqtt_many import ManyDevices
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find as find_target

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.graphs import mlp

FLEET = "bench"
#: 64 inputs, 10 classes: 9,910 parameters, and a small network for the many
LARGE, SMALL = (64, 132, 10), (64, 16, 10)
#: a message with the weights of the large one
_BYTES = 4 * 9910 + 72
_TURNS, _ECHO_SECONDS = 5, 1.5


@dataclass(frozen=True)
class Result:
    """``rounds_per_second`` and ``echo_rounds_per_second`` in the same run, medians; ``ratio`` of the two;
    ``socket_echo_rounds_per_second``: without an MQTT library at either end.
    ``devices_connected``, and what their rounds took; memory of the coordinator's process."""

    parameters: int
    rounds: int
    rounds_per_second: float
    echo_rounds_per_second: float
    ratio: float
    socket_echo_rounds_per_second: float
    devices_connected: int
    connect_seconds: float
    many_rounds: int
    many_devices_per_round: int
    many_seconds: float
    many_updates: int
    peak_memory_mb: float


# ---- broker and projects ----


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[str]:
    """A broker on loopback, without TLS or users, as both sides of the comparison have it."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        sys.exit("needs mosquitto (Debian package mosquitto)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
                    "max_queued_messages 20000\nmax_inflight_messages 1000\n")  # fmt: skip
    with subprocess.Popen([program, "-c", str(conf)], stderr=subprocess.DEVNULL) as process:
        echo.wait_for(port)
        try:
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.terminate()


def project(folder: Path, sizes: tuple[int, ...]) -> Path:
    """A generated project of a small classifier."""
    compiled = compile_graph(mlp(sizes=sizes), Choices(learn="all"))
    model = EmittedModel("net", compiled, "net.keras", "0" * 64, "bench")
    write_project(folder, project_files(model, find_target("cortex-m4f"), "makefile", fleet=True))
    load_project(folder)
    return folder


_SAMPLES = np.random.default_rng(0).normal(size=(64, 64)).astype("f4"), np.arange(64) % 10


def source(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of no meaning, at hand."""
    return _SAMPLES[0][:count], _SAMPLES[1][:count]


# ---- the processes ----


def one_device(url: str, folder: Path, ready: Connection) -> None:
    """A twin that answers at once, until the other end says so."""
    _, library = load_project(folder)
    agent = TwinAgent("device", library.open(), source)
    link = open_device_link(url, FLEET, "device")

    def take(content: bytes) -> None:
        for message in agent.handle(content):
            link.send(message)

    link.start(agent.announce(), agent.will(), take)
    ready.send("ready")
    ready.recv()
    link.close()


def bare_client(url: str, name: str, listens: str, heard: Callable[[bytes], None]) -> paho.Client:
    """The MQTT library as it comes, with its own thread; returns when it is subscribed."""
    subscribed = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_socket_open = lambda _client, _data, sock: sock.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    client.on_message = lambda _client, _data, message: heard(message.payload)
    client.on_connect = lambda *_: client.subscribe(listens, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    where = parse_url(url)
    client.connect(where.host, where.port)
    client.loop_start()
    subscribed.wait(20)
    return client


def echoing(url: str, ready: Connection) -> None:
    """Sends back what it gets."""
    up, down = (topic(FLEET, "bare", channel) for channel in ("up", "down"))
    client = bare_client(url, "bare", down, lambda content: client.publish(up, content, 1))
    ready.send("ready")
    ready.recv()
    client.disconnect()
    client.loop_stop()


def many_devices(url: str, folder: Path, count: int, ready: Connection) -> None:
    """Twins on one asyncio loop."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 1000,) * 2)
    asyncio.run(_connect_many(url, folder, count, ready))


async def _connect_many(url: str, folder: Path, count: int, ready: Connection) -> None:
    _, library = load_project(folder)
    many = ManyDevices(url, FLEET, at_once=200)
    links, start = [], time.monotonic()
    for number in range(count):
        name = f"device{number}"
        agent, link = TwinAgent(name, library.open(), source), many.link(name)
        link.start(
            agent.announce(), agent.will(), lambda content, a=agent, k=link: _answer(a, k, content)
        )
        links.append(link)
    await asyncio.gather(*(link.wait_ready(120) for link in links))
    ready.send(time.monotonic() - start)
    while not ready.poll():
        await asyncio.sleep(0.05)


def _answer(agent: TwinAgent, link: object, content: bytes) -> None:
    for message in agent.handle(content):
        link.send(message)  # type: ignore[attr-defined]


def coordinate(url: str, folder: Path, place: str, strategy: str, parameters: dict, config: Config,
               ready: Connection) -> None:  # fmt: skip
    """A coordinator for one run; tells (seconds, updates, peak memory in MB)."""
    model, _ = load_project(folder)
    store = open_store(place)
    run = Run(1, strategy, parameters, 0, model.name, model.hash, model.weights_bytes,
              model.weights_bytes)  # fmt: skip
    store.create(run, model.initial)
    transport = open_coordinator_transport(url, FLEET)
    service = Service(
        store, transport, run, find_strategy(strategy, parameters), config, model.blob
    )
    service.start()
    while service.machine.rounds.last_round == 0:
        service.step()
    start = time.perf_counter()
    while not service.is_done:
        service.step()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ready.send((seconds, service.counters["updates accepted"], peak))
    transport.close()


@contextlib.contextmanager
def process(target: object, *arguments: object) -> Iterator[Connection]:
    """A process of its own; the connection to it."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=target, args=(*arguments, theirs))  # type: ignore[arg-type]
    child.start()
    try:
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send("end")
        child.join(20)
        child.kill()


# ---- the measurements ----


def library_echo(url: str, size: int, seconds: float) -> float:
    """Rounds a second of the MQTT library alone: sent, sent back, one after the other."""
    back: SimpleQueue[bytes] = SimpleQueue()
    up, down = (topic(FLEET, "bare", channel) for channel in ("up", "down"))
    with process(echoing, url) as other:
        other.recv()
        client = bare_client(url, "asking", up, back.put)
        start, rounds = time.perf_counter(), 0
        while time.perf_counter() < start + seconds:
            client.publish(down, bytes(size), 1)
            back.get(timeout=20)
            rounds += 1
        rate = rounds / (time.perf_counter() - start)
        client.disconnect()
        client.loop_stop()
    return rate


def sequential(url: str, folder: Path, place: Path, rounds: int) -> float:
    """Rounds a second, of a new run in the store ``place``."""
    parameters = {"samples": 1}
    config = Config(rounds=rounds, retry=5.0)
    with process(one_device, url, folder) as device:
        device.recv()
        with process(coordinate, url, folder, str(place), "tiny_reptile", parameters,
                     config) as coordinator:  # fmt: skip
            seconds, updates, _ = coordinator.recv()
    return updates / seconds


def in_turn(url: str, work: Path, rounds: int) -> tuple[float, float, int]:
    """(echoes a second, rounds a second, parameters): medians of some turns."""
    folder = project(work / "large", LARGE)
    echoes, rates = [], []
    for turn in range(_TURNS):
        echoes.append(library_echo(url, _BYTES, _ECHO_SECONDS))
        rates.append(sequential(url, folder, work / f"{turn}.db", rounds))
    model, _ = load_project(folder)
    return statistics.median(echoes), statistics.median(rates), model.weights_bytes // 4


def crowd(
    url: str, work: Path, devices: int, rounds: int, asked: int
) -> tuple[float, float, int, float]:
    """(seconds to connect, seconds of the rounds, updates, peak memory of the coordinator in MB)."""
    folder = project(work / "small", SMALL)
    parameters = {"devices": asked, "samples": 2, "passes": 1}
    config = Config(rounds=rounds, retry=20.0, deadline=120.0, least_devices=devices)
    with process(many_devices, url, folder, devices) as fleet:
        connecting = fleet.recv()
        with process(coordinate, url, folder, str(work / "b.db"), "fed_avg", parameters,
                     config) as coordinator:  # fmt: skip
            seconds, updates, peak = coordinator.recv()
    return connecting, seconds, updates, peak


def bench(rounds: int, devices: int, many_rounds: int, asked: int) -> Result:
    """Everything, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        with mosquitto(work) as url:
            print("measuring echoes and sequential rounds in turn", file=sys.stderr)
            sockets = echo.measure(url, FLEET, "echo", size=_BYTES)
            bare, rate, parameters = in_turn(url, work, rounds)
            print(f"measuring {devices} devices", file=sys.stderr)
            connecting, seconds, updates, peak = crowd(url, work, devices, many_rounds, asked)
    return Result(parameters, rounds, round(rate, 1), round(bare, 1), round(rate / bare, 3), round(sockets, 1), devices,
                  round(connecting, 2), many_rounds, asked, round(seconds, 2), updates,
                  round(peak, 1))  # fmt: skip


def main() -> None:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(prog="tools/bench fleet", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="within a minute: fewer of everything")
    args = parser.parse_args()
    result = bench(*((1000, 500, 3, 100) if args.quick else (2000, 5000, 10, 1000)))
    if args.json:
        print(json.dumps(asdict(result), indent=2))
    else:
        print_table(("", ">"), asdict(result).items())


if __name__ == "__main__":
    main()
