"""Puts a simulated fleet together from what a user asks for, runs it, and sums it up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinylearn.errors import UsageError
from tinylearn.fleet.begin import Begun, Wanted, new_run
from tinylearn.fleet.broker_choice import FLEET
from tinylearn.fleet.config import Config
from tinylearn.fleet.judging import Judge
from tinylearn.fleet.model import FleetModel, load_project
from tinylearn.fleet.observers import Observers
from tinylearn.fleet.partition import partitioned, source_of
from tinylearn.fleet.run_directory import RunConfig, RunDirectory
from tinylearn.fleet.samples import read_samples
from tinylearn.fleet.scenario import Scenario
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.simulate import Outcome, Point, Simulation
from tinylearn.fleet.snapshot import take
from tinylearn.fleet.store import Store, open_store
from tinylearn.fleet.strategies.base import Strategy

_RUN = 1
_LEAST_SECONDS = 86_400.0
_AVERAGED = 10


@dataclass(frozen=True)
class SimulateOptions:
    """What a user asks for. ``parameters``: of the strategy; ``settings``: fields of ``Config``;
    ``scenario``: of ``Scenario`` but for its seed; ``skew``, ``held_out``: see ``partitioned``;
    ``devices`` None: as many as the file knows, or 100. ``seconds``: virtual, at most."""

    project: Path
    data: Path
    strategy: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    scenario: Mapping[str, Any] = field(default_factory=dict)
    devices: int | None = None
    skew: float | None = None
    held_out: float = 0.2
    seed: int = 0
    seconds: float | None = None
    run_dir: Path | None = None


@dataclass(frozen=True)
class Simulated:
    """How it went. ``loss_first`` and ``loss_last``: means of the first and last rounds that had
    reports, of their devices' losses before learning; NaN without any. Accuracies of initial and
    final weights on what was held out; NaN without labels."""

    strategy: str
    devices: int
    rounds: int
    rounds_wanted: int
    rounds_void: int
    updates: dict[str, int]
    messages: dict[str, int]
    bytes_up: int
    bytes_down: int
    resets: int
    departures: int
    isolated_devices: int
    seconds: float
    loss_first: float
    loss_last: float
    accuracy_before: float
    accuracy: float
    curve: list[float]


def simulate(
    options: SimulateOptions, on_point: Callable[[Point], None] = lambda _: None
) -> Simulated:
    """Raises UsageError for what makes no sense, and what reading project and samples raises."""
    model, library = load_project(options.project)
    stream, owners = read_samples(options.data, options.project)
    split = partitioned(stream, owners, options.devices, options.skew, options.held_out,
                        options.seed)  # fmt: skip
    scenario = Scenario(**{**options.scenario, "devices": len(split.devices), "seed": options.seed})
    parts = {f"d{number:05d}": own for number, own in enumerate(split.devices)}
    with ExitStack() as open_parts:
        store = open_store(":memory:")
        open_parts.callback(store.close)
        begun = _begun(options, store, model, scenario.devices)
        simulation = Simulation(
            model, library, source_of(stream, parts, options.seed), begun.run, begun.strategy,
            begun.config, scenario, store, on_point,
        )  # fmt: skip
        if options.run_dir is not None:
            _recorded(simulation, begun, options, options.run_dir, open_parts)
        outcome = simulation.go(_most_seconds(options, begun.config))
        isolated = sum(device.isolated_until > 0 for device in store.devices(_RUN).values())
    judge = Judge(library, stream, split.held_out)
    final = outcome.weights + model.initial[len(outcome.weights) :]
    accuracies = judge.accuracy(model.initial), judge.accuracy(final)
    return _summed_up(begun, scenario.devices, outcome, isolated, accuracies)


def _begun(options: SimulateOptions, store: Store, model: FleetModel, devices: int) -> Begun:
    wanted = Wanted(options.strategy, options.parameters, options.settings, options.seed)
    begun = new_run(store, _RUN, model, wanted)
    _check_devices(begun.strategy, begun.config, devices)
    return begun


def _check_devices(strategy: Strategy, config: Config, devices: int) -> None:
    """A round that waits for more devices than there are never begins."""
    needed = config.least_devices or strategy.clients()
    if needed > devices:
        raise UsageError(
            f"strategy {strategy.name}: a round waits for {needed} devices, there are {devices}; give "
            "--devices, --least-devices, or the strategy's own number by --set"
        )


def _most_seconds(options: SimulateOptions, config: Config) -> float:
    """Enough for all rounds, should every one of them end by its deadline."""
    if options.seconds is not None:
        return options.seconds
    return max(_LEAST_SECONDS, 2 * config.rounds * config.deadline)


def _recorded(
    simulation: Simulation, begun: Begun, options: SimulateOptions, folder: Path, parts: ExitStack
) -> None:
    """Has the run leave a run directory, in virtual time from the epoch on."""
    config = RunConfig.of(begun.run, begun.config, options.project, FLEET, str(Shard()))
    transport = simulation.transport
    traffic = lambda: (transport.bytes_up, transport.bytes_down)  # noqa: E731
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; name another folder")
    directory = RunDirectory(folder, config, traffic, simulation.now)
    parts.callback(directory.close)
    hub = Observers([directory], lambda machine: take(machine, {}, True, simulation.now()), {},
                    simulation.now)  # fmt: skip
    simulation.on_effects = hub.on_effects


def _summed_up(
    begun: Begun, devices: int, outcome: Outcome, isolated: int, accuracies: tuple[float, float]
) -> Simulated:
    counters, curve = outcome.counters, [point.loss for point in outcome.points]
    updates = {name.removeprefix("updates "): count for name, count in sorted(counters.items())
               if name.startswith("updates ")}  # fmt: skip
    return Simulated(
        begun.run.strategy, devices, len(outcome.points), begun.config.rounds,
        counters["rounds void"], {"duplicate": counters["duplicate"], **updates},
        dict(sorted(outcome.network.items())), outcome.bytes_up, outcome.bytes_down,
        outcome.resets, outcome.departures, isolated, outcome.seconds,
        _mean(curve, first=True), _mean(curve, first=False), *accuracies, curve,
    )  # fmt: skip


def _mean(curve: list[float], first: bool) -> float:
    """Of up to ten finite losses at an end of the curve, at most half of it."""
    losses = [loss for loss in curve if math.isfinite(loss)]
    count = min(_AVERAGED, (len(losses) + 1) // 2)
    some = losses[:count] if first else losses[len(losses) - count :]
    return sum(some) / count if count else math.nan
