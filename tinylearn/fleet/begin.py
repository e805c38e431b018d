"""Begins a run in a store, or goes on with the one that is there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError, UsageError
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import FleetModel
from tinylearn.fleet.records import PutState, Run
from tinylearn.fleet.shards import Shard
from tinylearn.fleet.sharing import share_among
from tinylearn.fleet.store import Store
from tinylearn.fleet.strategies import find
from tinylearn.fleet.strategies.base import Strategy

#: the state of a run that holds its ``Config``, as JSON
CONFIG = "config"
#: and those that hold its project's folder, and how many coordinators share it
PROJECT = "project"
SHARDS = "shards"


@dataclass(frozen=True)
class Wanted:
    """What a user asked for; what is left open comes from the run that is there, or is the default.
    ``settings``: fields of ``Config``; ``run``: a number, ``new``: not the one that is there."""

    strategy: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    run: int | None = None
    new: bool = False


@dataclass(frozen=True)
class Begun:
    """A run that can be served. ``resumed``: it was there already."""

    run: Run
    strategy: Strategy
    config: Config
    resumed: bool

    @property
    def planned_rounds(self) -> int:
        """After so many rounds a schedule's steps are 0; those beyond leave the weights as they are."""
        return int(self.strategy.parameters().get("rounds", self.config.rounds))


def begin(
    store: Store, where: str, model: FleetModel, project: Path, wanted: Wanted, shard: Shard
) -> Begun:  # fmt: skip
    """Takes the shard of the newest run (or the wanted one) that ``store`` holds, or makes a run.
    Raises UsageError where that run is of another model, strategy, parameters or seed, or shared among
    another number of coordinators that serve."""
    runs = store.runs()
    if (runs and not wanted.new) or wanted.run is not None:
        begun = _resumed(chosen_run(runs, where, wanted.run), store, where, model, wanted)
    else:
        begun = new_run(store, _number({run.id for run in runs}), model, wanted)
    if begun.resumed:
        states = store.load(begun.run.id, shard.number, shard.count).states
        share_among(store, begun.run.id, shards_of(states), shard)
    states = {CONFIG: json.dumps(asdict(begun.config)), PROJECT: str(project.absolute()),
              SHARDS: str(shard.count)}  # fmt: skip
    store.commit(begun.run.id, [PutState(*state) for state in states.items()], shard.number)
    return begun


def chosen_run(runs: list[Run], where: str, number: int | None = None) -> Run:
    """The run of that number, or the newest. Raises UsageError."""
    if not runs:
        raise UsageError(f"{where}: holds no run; tinylearn fleet serve begins one")
    found = [run for run in runs if number in (None, run.id)]
    if not found:
        there = ", ".join(str(run.id) for run in runs)
        raise UsageError(f"{where}: holds no run {number}; there are {there}")
    return found[-1]


def config_of(states: Mapping[str, str], where: str) -> Config:
    """The settings that a run was served with last. Raises BadInputError."""
    try:
        values = json.loads(states.get(CONFIG, "{}"))
        return Config(**{**values, "tags": tuple(values.get("tags", ()))})
    except (ValueError, TypeError, AttributeError):
        raise BadInputError(f"{where}: the settings of the run are damaged") from None


def shards_of(states: Mapping[str, str]) -> int:
    """How many coordinators share the run."""
    count = states.get(SHARDS, "1")
    return int(count) if count.isascii() and count.isdigit() and count != "0" else 1


# ---- a new one ----


def new_run(store: Store, number: int, model: FleetModel, wanted: Wanted) -> Begun:
    """Makes a run of that number. Raises UsageError."""
    if wanted.strategy is None:
        raise UsageError("a new run needs --strategy; tinylearn fleet strategies lists them")
    config = Config(**wanted.settings)
    strategy = _planned(wanted.strategy, wanted.parameters, config)
    local = set(strategy.local_tensors([name for name, _, _ in model.tensors]))
    exchanged = model.exchanged_bytes(local)
    run = Run(number, strategy.name, strategy.parameters(), wanted.seed or 0, model.name,
              model.hash, model.weights_bytes, exchanged)  # fmt: skip
    store.create(run, model.initial[:exchanged])
    return Begun(run, strategy, config, resumed=False)


def _planned(name: str, parameters: Mapping[str, Any], config: Config) -> Strategy:
    """Schedules end with the last round, unless the user says otherwise."""
    strategy = find(name, parameters)
    if "rounds" in strategy.parameters() and "rounds" not in parameters:
        strategy = find(name, {**parameters, "rounds": config.rounds})
    return strategy


def _number(taken: set[int]) -> int:
    """At random, so that a device which has a task of a deleted store's run does not take a new
    run's for the same."""
    while True:
        number = 1 + secrets.randbelow(2**31 - 1)
        if number not in taken:
            return number


# ---- the one that is there ----


def _resumed(run: Run, store: Store, where: str, model: FleetModel, wanted: Wanted) -> Begun:
    title = f"{where}: run {run.id}"
    if run.model_hash != model.hash:
        raise UsageError(
            f"{title} learns model {run.model_name} (hash {run.model_hash.hex()}), the project is "
            f"{model.name} (hash {model.hash.hex()}); --new begins another run"
        )
    if wanted.strategy not in (None, run.strategy):
        raise UsageError(
            f"{title} has strategy {run.strategy}, not {wanted.strategy}; --new begins another run"
        )
    strategy = find(run.strategy, run.parameters)
    _check_parameters(title, run, wanted)
    states = store.load(run.id, own=False).states
    stored = asdict(config_of(states, title))
    return Begun(run, strategy, Config(**{**stored, **wanted.settings}), resumed=True)


def _check_parameters(title: str, run: Run, wanted: Wanted) -> None:
    """What is given must be what the run has."""
    given = find(run.strategy, {**run.parameters, **wanted.parameters}).parameters()
    for name in wanted.parameters:
        if given[name] != run.parameters[name]:
            raise UsageError(
                f"{title} has {name} {run.parameters[name]}, not {given[name]}; --new begins "
                "another run"
            )
    if wanted.seed not in (None, run.seed):
        raise UsageError(f"{title} has seed {run.seed}, not {wanted.seed}; --new begins another")
