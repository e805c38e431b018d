"""Many twins in this process, each with a connection of its own to a real broker: a fleet for
whatever coordinator serves there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tinylearn.device.twin import TwinLibrary
from tinylearn.errors import DeviceError, UsageError
from tinylearn.fleet.agent import TwinAgent
from tinylearn.fleet.board import unpacked
from tinylearn.fleet.broker.acl import check_device, is_coordinator
from tinylearn.fleet.broker_choice import FLEET
from tinylearn.fleet.feed import Source
from tinylearn.fleet.logs import logging_to
from tinylearn.fleet.messages import Deployed
from tinylearn.fleet.model import load_project
from tinylearn.fleet.open_files import allow_connections
from tinylearn.fleet.partition import partitioned, source_of
from tinylearn.fleet.samples import read_samples
from tinylearn.fleet.signals import stopped_by_signals
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt_many import AsyncDevice, ManyDevices

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 30.0
_TELL_SECONDS = 5.0

#: by name; None: without a password
Members = Mapping[str, Credentials | None]


@dataclass(frozen=True)
class CrowdOptions:
    """What a user asks for. ``devices``: how many, of the credentials of ``folder`` or, where that is
    None, as d00000, d00001, ..; ``broker`` and ``fleet`` None: as the credentials say. The samples are
    spread as in a simulation. ``seconds`` None: until a signal comes."""

    project: Path
    data: Path
    broker: str | None = None
    fleet: str | None = None
    folder: Path | None = None
    devices: int | None = None
    skew: float | None = None
    seed: int = 0
    seconds: float | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Served:
    """``connected``: devices at the end; ``lost``: connections before it; messages ``up`` and
    ``down``."""

    devices: int
    connected: int
    lost: int
    up: int
    down: int


def serve_crowd(options: CrowdOptions, told: TextIO) -> Served:
    """Until SIGINT or SIGTERM, or the time is over, logging to ``told``. Raises UsageError, and
    DeviceError where no device can connect."""
    _, library = load_project(options.project)
    stream, owners = read_samples(options.data, options.project)
    members = None if options.folder is None else _members(options.folder, options.devices)
    wanted = options.devices if members is None else len(members)
    split = partitioned(stream, owners, wanted, options.skew, 0.0, options.seed)
    members = members or {f"d{number:05d}": None for number in range(len(split.devices))}
    parts = dict(zip(members, split.devices, strict=True))
    allow_connections(len(members))
    source = source_of(stream, parts, options.seed)
    with logging_to(told, 0, not told.isatty(), options.quiet):
        return asyncio.run(_serve(options, members, library, source))


def _members(folder: Path, devices: int | None) -> Members:
    """The devices whose credentials lie in a folder, by name; the first ``devices`` of them."""
    found: dict[str, Credentials | None] = {}
    for file in sorted(folder.glob("*.json")):
        if is_coordinator(file.stem) or len(found) == devices:
            continue
        credentials = Credentials.load(file)
        found[check_device(credentials.user)] = credentials
    if not found or len(found) < (devices or 0):
        raise UsageError(f"{folder}: has credentials of {len(found)} devices, not of "
                         f"{devices or 'any'}; tinylearn fleet enroll makes them")  # fmt: skip
    return found


def _many(options: CrowdOptions, members: Members) -> ManyDevices:
    first = next(iter(members.values()))
    url = options.broker or (first.url if first else "")
    if not url:
        raise UsageError("which broker? give --broker, or --credentials-dir")
    fleet = options.fleet or (first.fleet if first else "") or FLEET
    return ManyDevices(url, fleet, first, options.seed)


async def _serve(
    options: CrowdOptions, members: Members, library: TwinLibrary, source: Source
) -> Served:
    many, stop = _many(options, members), asyncio.Event()
    loop = asyncio.get_running_loop()
    births = int(time.time())

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    with stopped_by_signals(end):
        crowd = []
        for name, credentials in members.items():
            agent = TwinAgent(name, library.open(name), source, births)
            crowd.append(_Member(agent, many.link(name, credentials)))
        try:
            for member in crowd:
                member.start()
            await _first_ready([member.link for member in crowd], many, stop)
            await _watch(crowd, stop, options.seconds)
            connected, lost = _connected(crowd), many.counts["connections_lost"]
        finally:
            await many.close()
            for member in crowd:
                member.agent.twin.close()
    return Served(len(crowd), connected, lost, many.counts["sent"], many.counts["received"])


class _Member:
    """A twin and its connection; it learns where its messages arrive, in the loop's thread."""

    def __init__(self, agent: TwinAgent, link: AsyncDevice) -> None:
        self.agent, self.link = agent, link

    def start(self) -> None:
        self.link.start(self.agent.announce(), self.agent.will(), self._take)

    def _take(self, content: bytes) -> None:
        for message in self.agent.handle(content):
            self.link.send(message)
            said = unpacked(message)
            if isinstance(said, Deployed) and not said.fault:
                self.link.announce(self.agent.announce())


async def _first_ready(
    links: Sequence[AsyncDevice], many: ManyDevices, stop: asyncio.Event
) -> None:
    """Returns when a device is connected, or it is over. Raises DeviceError after a while."""
    waits = [asyncio.ensure_future(link.ready.wait()) for link in links]
    waits.append(asyncio.ensure_future(stop.wait()))
    done, pending = await asyncio.wait(
        waits, timeout=_CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    for wait in pending:
        wait.cancel()
    if not done:
        why = "refuses them" if many.counts["refused"] else "does not answer"
        raise DeviceError(f"broker {many.url}: {why}; none of {len(links)} devices is connected")


async def _watch(crowd: Sequence[_Member], stop: asyncio.Event, seconds: float | None) -> None:
    """Tells how many are connected whenever that has changed, until it is over."""
    loop, told = asyncio.get_running_loop(), 0
    end = None if seconds is None else loop.time() + seconds
    while not stop.is_set() and (end is None or loop.time() < end):
        connected = _connected(crowd)
        if connected != told:
            _log.info("%d of %d devices connected", connected, len(crowd))
            told = connected
        left = _TELL_SECONDS if end is None else min(_TELL_SECONDS, end - loop.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5 if connected < len(crowd) else left)


def _connected(crowd: Sequence[_Member]) -> int:
    return sum(member.link.ready.is_set() for member in crowd)
