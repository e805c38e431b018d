"""Puts a coordinator together from what a user asks for, serves, and takes it apart in order."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tinylearn.errors import UsageError
from tinylearn.fleet.begin import Begun, Wanted, begin
from tinylearn.fleet.broker_choice import BrokerChoice, OpenedBroker, opened_broker
from tinylearn.fleet.coordinator import Coordinator
from tinylearn.fleet.live_table import LiveTable
from tinylearn.fleet.logs import LogObserver, logging_to
from tinylearn.fleet.metrics import Metrics
from tinylearn.fleet.model import load_project
from tinylearn.fleet.observers import Observer, Observers
from tinylearn.fleet.registering import Registering
from tinylearn.fleet.registries import open_registry
from tinylearn.fleet.run_directory import RunConfig, RunDirectory
from tinylearn.fleet.service import Service
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.signals import stopped_by_signals
from tinylearn.fleet.snapshot import Snapshot, take
from tinylearn.fleet.store import open_store
from tinylearn.fleet.strategies import find
from tinylearn.fleet.thing import with_updates
from tinylearn.fleet.transports.metered import MeteredTransport

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegistryChoice:
    """Where devices are registered: a folder or URL; ``token_file``: what lets one write there;
    ``query``: a SPARQL query of who may learn."""

    where: str
    token_file: Path | None = None
    query: str | None = None


@dataclass(frozen=True)
class ServeOptions:
    """What a user asks for. ``live``: a table on a terminal; ``quiet``: warnings alone;
    ``until_done``: ends after the last round."""

    project: Path
    store: str
    wanted: Wanted
    broker: BrokerChoice
    shard: Shard = field(default_factory=Shard)
    run_dir: Path | None = None
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    registry: RegistryChoice | None = None
    until_done: bool = False
    live: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Served:
    """How it ended."""

    run: int
    resumed: bool
    last_round: int
    version: int
    counters: dict[str, int] = field(default_factory=dict)


def from_directory(options: ServeOptions, folder: Path, project: Path | None) -> ServeOptions:
    """The options that reproduce the run of a run directory; what the user says beside it counts."""
    said, wanted = RunConfig.load(folder), options.wanted
    settings = {**said.config, "tags": tuple(said.config.get("tags", ()))}
    try:
        merged = replace(
            wanted,
            strategy=wanted.strategy or said.strategy,
            parameters={**said.parameters, **wanted.parameters},
            settings={**settings, **wanted.settings},
            seed=said.seed if wanted.seed is None else wanted.seed,
            new=True,
        )
    except TypeError:
        raise UsageError(f"{folder}/config.json: its settings are damaged") from None
    fleet = options.broker.fleet or said.fleet
    return replace(options, project=project or Path(said.project), wanted=merged,
                   broker=replace(options.broker, fleet=fleet))  # fmt: skip


def serve(options: ServeOptions) -> Served:
    """Until a signal comes, or all rounds are over. Raises what opening any of the parts raises."""
    model, _ = load_project(options.project)
    if options.wanted.strategy is not None:
        find(options.wanted.strategy, options.wanted.parameters)
    with ExitStack() as parts:
        store = open_store(options.store)
        parts.callback(store.close)
        broker = parts.enter_context(
            opened_broker(options.broker, options.shard.number, options.shard.count)
        )
        begun = begin(store, store.where, model, options.project, options.wanted,
                      options.shard)  # fmt: skip
        live = parts.enter_context(_table(options, begun))
        parts.enter_context(logging_to(sys.stderr, begun.run.id, not sys.stderr.isatty(),
                                       options.quiet))  # fmt: skip
        transport = MeteredTransport(broker.transport)
        parts.callback(transport.close)
        service = Service(
            store, transport, begun.run, begun.strategy, begun.config, model.blob,
            options.shard.has, options.shard,
        )  # fmt: skip
        observers = [LogObserver(), *live, *_recorders(options, begun, broker, transport, parts),
                     *_registering(options, service, broker.fleet, parts)]  # fmt: skip
        _observe(service, observers, broker)
        with stopped_by_signals(service.stop):  # before anybody is told that it serves
            _tell(options, begun, broker, store.where)
            service.serve(options.until_done)
        return _served(begun, service.machine)


def _served(begun: Begun, machine: Coordinator) -> Served:
    last, version = machine.rounds.last_round, machine.head.version.number
    _log.info("ended after round %d, version %d", last, version)
    return Served(begun.run.id, begun.resumed, last, version, dict(machine.counters))


@contextmanager
def _table(options: ServeOptions, begun: Begun) -> Iterator[list[Observer]]:
    """The live table, where one is wanted; what is logged appears above it."""
    if not options.live:
        yield []
        return
    from rich.console import Console
    from rich.live import Live

    title = f"run {begun.run.id}: {begun.run.model_name}, {begun.run.strategy}"
    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        yield [LiveTable(live, title)]


def _recorders(
    options: ServeOptions, begun: Begun, broker: OpenedBroker, transport: MeteredTransport,
    parts: ExitStack,
) -> list[Observer]:  # fmt: skip
    """Run directory and metrics, where they are wanted."""
    found: list[Observer] = []
    shard = str(options.shard)
    if options.run_dir is not None:
        config = RunConfig.of(begun.run, begun.config, options.project, broker.fleet, shard)
        traffic = lambda: (transport.bytes_up, transport.bytes_down)  # noqa: E731
        directory = RunDirectory(options.run_dir, config, traffic)
        parts.callback(directory.close)
        found.append(directory)
    if options.metrics_port is not None:
        run = begun.run
        metrics = Metrics({"run": str(run.id), "model": run.model_name, "strategy": run.strategy,
                           "fleet": broker.fleet, "shard": shard})  # fmt: skip
        parts.callback(metrics.close)
        _log.info("metrics at %s", metrics.start(options.metrics_port, options.metrics_host))
        found.append(metrics)
    return found


def _registering(
    options: ServeOptions, service: Service, fleet: str, parts: ExitStack
) -> list[Observer]:  # fmt: skip
    """What tells the registry, where there is one."""
    chosen = options.registry
    if chosen is None:
        return []
    registry = open_registry(chosen.where, chosen.token_file)
    run, devices = service.run.id, service.machine.roster.devices
    known = with_updates(devices, service.store.last_updates(run))
    found = Registering(registry, fleet, run, known, chosen.query)
    parts.callback(found.close)
    found.start()
    service.chosen = found.choice
    return [found]


def _observe(service: Service, observers: list[Observer], broker: OpenedBroker) -> None:
    transport = broker.transport

    def look(machine: Coordinator) -> Snapshot:
        connected = transport.is_connected()
        return take(machine, transport.counts.as_dict(), connected, time.monotonic())

    hub = Observers(observers, look, service.machine.roster.devices)
    service.on_effects, service.on_commit = hub.on_effects, hub.committed


def _tell(options: ServeOptions, begun: Begun, broker: OpenedBroker, where: str) -> None:
    run, how = begun.run, "resumed" if begun.resumed else "begun"
    _log.info("run %d %s in %s: model %s, strategy %s, %d rounds", run.id, how, where,
              run.model_name, run.strategy, begun.config.rounds)  # fmt: skip
    if begun.planned_rounds < begun.config.rounds:
        _log.warning("the schedule of run %d ends with round %d: later rounds leave the weights as they are; "
                     "--new begins a run with another", run.id, begun.planned_rounds)  # fmt: skip
    if not broker.embedded:
        _log.info("fleet %s at %s", broker.fleet, broker.url)
        return
    folder = options.broker.folder
    _log.info(
        "fleet %s at %s, a broker in this process; let a device in with: "
        "tinylearn fleet enroll --broker-dir %s DEVICE", broker.fleet, broker.url, folder,
    )  # fmt: skip
