"""Many simulations, one for each combination of what is varied, spread over processes or a cluster.

A backend is anything that applies a function to items and gives the results in their order; both
must be picklable.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar

from tinylearn.errors import MissingToolError, TinylearnError, UsageError
from tinylearn.fleet.config import Config
from tinylearn.fleet.model import load_project
from tinylearn.fleet.scenario import Scenario
from tinylearn.fleet.simulating import Simulated, SimulateOptions, simulate
from tinylearn.fleet.strategies import find

T = TypeVar("T")
R = TypeVar("R")
#: what of a strategy's parameters is varied begins with this
PARAMETER = "set."
_OWN = {"strategy", "devices", "skew", "held_out", "seed", "seconds"}
_SCENARIO = {f.name for f in fields(Scenario)} - _OWN
_SETTINGS = {f.name for f in fields(Config)}


class Backend(Protocol):
    """Where the work is done."""

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """The results, in the order of the items, each as soon as it and those before are there."""


@dataclass(frozen=True)
class Row:
    """What was varied, and what came of it."""

    varied: Mapping[str, Any]
    result: Simulated


def combinations(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """All of them, the last axis the fastest."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def varied(options: SimulateOptions, values: Mapping[str, Any]) -> SimulateOptions:
    """The options with other values, each by the name of its field of ``SimulateOptions``,
    ``Scenario`` or ``Config``, or ``set.NAME``. Raises UsageError for any other name."""
    for name, value in values.items():
        if name.startswith(PARAMETER):
            parameters = {**options.parameters, name.removeprefix(PARAMETER): value}
            options = replace(options, parameters=parameters)
        elif name in _OWN:
            options = replace(options, **{name: value})
        elif name in _SCENARIO:
            options = replace(options, scenario={**options.scenario, name: value})
        elif name in _SETTINGS:
            options = replace(options, settings={**options.settings, name: value})
        else:
            raise UsageError(f"sweep: {name} is no option of a simulation; a strategy's parameter is "
                             f"{PARAMETER}{name}")  # fmt: skip
    return options


def sweep(
    options: SimulateOptions, axes: Mapping[str, Sequence[Any]], backend: Backend
) -> Iterator[Row]:
    """A row for each combination. Raises UsageError, before any work, for one that makes no sense;
    what a simulation raises ends it."""
    combined = combinations(axes)
    jobs = [varied(options, values) for values in combined]
    for job in jobs:
        Scenario(**job.scenario)
        Config(**job.settings)
        find(job.strategy, job.parameters)
    load_project(options.project)
    for values, found in zip(combined, backend.map(_attempted, jobs), strict=True):
        if isinstance(found, TinylearnError):
            told = ", ".join(f"{name}={value}" for name, value in values.items())
            raise type(found)(f"{told}: {found}")
        yield Row(values, found)


def _attempted(options: SimulateOptions) -> Simulated | TinylearnError:
    """Errors as values, since backends wrap what is raised, each in its own way."""
    try:
        return simulate(options)
    except TinylearnError as error:
        return error


# ---- backends ----


@dataclass(frozen=True)
class Processes:
    """On this machine; ``count`` of them, None: one a core."""

    count: int | None = None

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """See Backend. Raises TinylearnError where the system ends a process."""
        count = min(self.count or os.cpu_count() or 1, len(items))
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _mortal)
        try:
            yield from pool.map(work, items)
        except BrokenProcessPool:
            raise TinylearnError(
                "sweep: a process was killed, perhaps for want of memory; give fewer --processes"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _mortal() -> None:
    """An interrupt ends the process at once and without words."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Ray:
    """On a Ray cluster (RAY_ADDRESS), or on this machine; project and samples lie at the same path
    on all of its computers, and tinylearn is installed there."""

    def __init__(self) -> None:
        """Raises MissingToolError without Ray."""
        try:
            import ray
        except ImportError:
            raise MissingToolError(
                "--backend ray needs Ray: pip install 'tinylearn[ray]'"
            ) from None
        self._ray: Any = ray

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """See Backend."""
        ray = self._ray
        ray.init(ignore_reinit_error=True, log_to_driver=False)
        try:
            remote = ray.remote(work)
            for reference in [remote.remote(item) for item in items]:
                yield ray.get(reference)
        finally:
            ray.shutdown()


BACKENDS: Mapping[str, Callable[[int | None], Backend]] = {
    "processes": Processes,
    "ray": lambda _: Ray(),
}
