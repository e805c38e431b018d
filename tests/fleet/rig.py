"""A whole fleet for tests: a coordinator in a process of its own, to be killed, and twins in this
one, with a broker between them."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from support import fleet_project

from tinylearn.fleet.agent import TwinAgent
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import load_project
from tinylearn.fleet.records import Run
from tinylearn.fleet.service import Service
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find
from tinylearn.fleet.transports.backoff import Backoff
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import open_coordinator_transport, open_device_link
from tinylearn.fleet.transports.mqtt_device import MqttDevice

_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["rig", "tinylearn.fleet.sqlite_store"])
_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """What a coordinator needs to be started, again and again."""

    project: Path
    place: str
    url: str
    fleet: str
    credentials: Credentials | None
    strategy: str
    parameters: dict
    config: Config

    def create(self) -> None:
        """The run in its store."""
        model, _ = load_project(self.project)
        store = open_store(self.place)
        run = Run(1, self.strategy, self.parameters, 5, model.name, model.hash,
                  model.weights_bytes, model.weights_bytes)  # fmt: skip
        store.create(run, model.initial)
        store.close()

    def service(self) -> Service:
        """The coordinator, not started."""
        model, _ = load_project(self.project)
        store = open_store(self.place)
        (run,) = store.runs()
        transport = open_coordinator_transport(self.url, self.fleet, self.credentials)
        transport._connection._backoff = Backoff(first=0.05, most=0.5)
        strategy = find(self.strategy, self.parameters)
        return Service(store, transport, run, strategy, self.config, model.blob)

    def final(self) -> bytes:
        """The newest weights in the store."""
        store = open_store(self.place)
        try:
            weights = store.head(1).weights
            assert weights is not None
            return weights
        finally:
            store.close()


def _serve(plan: Plan, told: Connection) -> None:
    service = plan.service()
    service.start()
    told.send("up")
    while not service.is_done:
        service.step()
    told.send("done")
    service.transport.close()


class CoordinatorProcess:
    """A coordinator that can be killed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._begin()

    def _begin(self) -> None:
        self._told, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(self._plan, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert self._told.poll(_SECONDS), "the coordinator does not come up"
        assert self._told.recv() == "up"

    def kill_and_restart(self) -> None:
        """SIGKILL, and another one on the same store."""
        self.kill()
        self._begin()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def is_done(self) -> bool:
        return self._told.poll()

    def wait(self, seconds: float = 2 * _SECONDS) -> None:
        """Until the run is done."""
        assert self._told.poll(seconds), "the run does not end"
        assert self._told.recv() == "done"
        self._process.join(_SECONDS)


class Twin:
    """A twin behind an MQTT link of its own."""

    def __init__(self, name: str, library: object, link: MqttDevice) -> None:
        self.agent = TwinAgent(name, library.open(name), fleet_project.source)  # type: ignore[attr-defined]
        self.link, self._lock = link, threading.Lock()

    def start(self) -> None:
        self.link.start(self.agent.announce(), self.agent.will(), self._take)

    def _take(self, content: bytes) -> None:
        with self._lock:
            for message in self.agent.handle(content):
                self.link.send(message)

    def announce(self) -> None:
        """Once more, in case the first one was lost."""
        self.link.announce(self.agent.announce())

    def close(self) -> None:
        self.link.close()
        self.agent.twin.close()


@contextlib.contextmanager
def twins(plan: Plan, names: list[str], credentials: dict[str, Credentials] | None = None,
          url: str = "") -> Iterator[dict[str, Twin]]:  # fmt: skip
    """Devices that learn what ``fleet_project.source`` gives."""
    _, library = load_project(plan.project)
    fleet = {}
    for name in names:
        link = open_device_link(url or plan.url, plan.fleet, name, (credentials or {}).get(name))
        link._backoff = Backoff(first=0.05, most=0.5)
        fleet[name] = Twin(name, library, link)
        fleet[name].start()
    over = threading.Event()
    beat = threading.Thread(target=_announce_again, args=(fleet, over))
    beat.start()
    try:
        yield fleet
    finally:
        over.set()
        beat.join()
        for twin in fleet.values():
            twin.close()


def _announce_again(fleet: dict[str, Twin], over: threading.Event) -> None:
    while not over.wait(1.0):
        for twin in fleet.values():
            twin.announce()
