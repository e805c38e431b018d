"""What strategies of the fleet learn, and what that costs: see the files in tasks/.

All learning is done by the generated C, as host twins of Cortex-M4F boards; instructions are
counted on the emulated board. Without --quick a task takes from minutes to an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import learning_plots
import numpy as np
from learning_costs import Costs, costs_of, generate, step_instructions
from tasks.base import RANDOM, Setting, Task, Trial

from tinylearn.cli.output import print_table
from tinylearn.errors import TinylearnError
from tinylearn.fleet.experiment import Experiment, Floats, Model, Point, adapted

TASKS = ("sine", "omniglot", "keywords", "presence")


@dataclass(frozen=True)
class Result:
    """One run of a strategy: the way of the metric, and in the end the metric by trials' title."""

    points: list[Point]
    final: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One line of the output. ``metric``: mean over the seeds; ``spread``: smallest and largest;
    ``others``: the same of further kinds of trial. Bytes and visits: of one seed's run, all
    devices together; ``device_instructions``: of one visit, None where no board can be emulated."""

    task: str
    strategy: str
    metric_name: str
    metric: float
    per_seed: list[float]
    spread: list[float]
    others: dict[str, list[float]]
    bytes_up: int
    bytes_down: int
    device_instructions: int | None
    step_instructions: int | None
    adaptation_instructions: int | None
    device_ram_bytes: int
    client_visits: int
    rounds: int
    refused: int
    parameters: dict[str, float]
    curve: list[tuple[int, float]]


def score(task: Task, model: Model, weights: Floats, trials: Sequence[Trial]) -> float:
    """Mean over the trials of the metric after adaptation; each query on its own."""
    return float(np.mean([_score_one(task, model, weights, trial) for trial in trials]))


def _score_one(task: Task, model: Model, weights: Floats, trial: Trial) -> float:
    twin = adapted(model, weights, trial.support, task.passes, task.rate)
    y = twin.predict(trial.query.x)
    twin.close()
    if task.metric == "mse":
        return float(np.mean((y - trial.query.y) ** 2))
    decided = y[:, 0] > 0.5 if y.shape[1] == 1 else y.argmax(axis=1)
    return float(np.mean(decided == trial.query.y.ravel()))


@dataclass(frozen=True)
class Job:
    """A run of one strategy. ``folder``: the project that its devices run, ``new``: that of the
    unseen ones, which adapt sample by sample whatever the strategy."""

    task: str
    index: int
    seed: int
    folder: Path
    new: Path
    trials: int


def learn(job: Job) -> Result:
    """One run, in a process of its own."""
    task = load(job.task)
    initial = task.network(job.seed)
    model, new = (Model.load(f).with_initial(initial) for f in (job.folder, job.new))
    kinds = task.trials(job.trials, job.seed)
    first = next(iter(kinds.values()))[: task.curve_trials]
    metric = partial(score, task, new, trials=first)
    points, weights = run(task, task.settings[job.index], model, job.seed, metric)
    return Result(points, {k: score(task, new, weights, found) for k, found in kinds.items()})


def run(
    task: Task, setting: Setting, model: Model, seed: int, metric: Callable[[Floats], float]
) -> tuple[list[Point], Floats]:
    """The way of the metric, and the weights that a new device starts from in the end."""
    if setting.strategy == RANDOM:
        return [Point(0, 0, 0, 0, 0, metric(model.initial))], model.initial
    rounds = setting.rounds()
    experiment = Experiment(setting.built(), model, (setting.draw or task.draw)(seed), seed)
    points = []
    for point in experiment.run(rounds, metric, max(1, rounds // task.points)):
        print(f"{task.name} {setting.strategy} seed {seed}: {point}", file=sys.stderr, flush=True)
        points.append(point)
    return points, experiment.start()


def shortened(task: Task) -> Task:
    """The task as --quick has it: fewer visits, one seed, fewer trials."""
    settings = [replace(s, visits=s.visits // task.quick) for s in task.settings]
    return replace(task, settings=settings, seeds=1, curve_trials=5, points=3)


def load(name: str) -> Task:
    """The task of a name; ``sine-quick`` is the short one of ``sine``."""
    plain, _, quick = name.partition("-")
    task: Task = import_module(f"tasks.{plain}").TASK
    return shortened(task) if quick else task


def bench(
    name: str, trials: int, processes: int, only: Sequence[str], seeds: int | None
) -> list[Row]:
    """Runs all strategies and seeds of a task."""
    task = load(name)
    chosen = [i for i, s in enumerate(task.settings) if not only or s.strategy in only]
    with tempfile.TemporaryDirectory() as temporary:
        new = generate(task, Setting(RANDOM, 0), Path(temporary))
        folders = {i: generate(task, task.settings[i], Path(temporary)) for i in chosen}
        with ThreadPoolExecutor(processes) as pool:  # compiled once, here
            list(pool.map(Model.load, sorted({new, *folders.values()})))
        numbers = range(seeds or task.seeds)
        jobs = [Job(name, i, seed, folders[i], new, trials) for i in chosen for seed in numbers]
        results = run_jobs(jobs, processes)
        costs = costs_by_setting(task, folders, new, processes)
    grouped = {i: [r for j, r in zip(jobs, results, strict=True) if j.index == i] for i in chosen}
    return [row_of(task, task.settings[i], grouped[i], costs[i]) for i in chosen]


def costs_by_setting(
    task: Task, folders: dict[int, Path], new: Path, processes: int
) -> dict[int, Costs]:
    """Each program's step is counted once."""
    support = next(iter(task.trials(1, 0).values()))[0].support
    programs = {new: 1, **{f: task.settings[i].accumulate for i, f in folders.items()}}
    with ThreadPoolExecutor(processes) as pool:
        counted = pool.map(lambda f: step_instructions(f, support, programs[f]), programs)
        steps = dict(zip(programs, counted, strict=True))
    adaptation = steps[new] and steps[new] * len(support) * task.passes
    return {i: costs_of(task.settings[i], f, steps[f], adaptation) for i, f in folders.items()}


def run_jobs(jobs: list[Job], processes: int) -> list[Result]:
    """In the order of the jobs, however many processes there are."""
    if processes == 1:
        return [told(learn(job), job) for job in jobs]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        return [told(r, job) for r, job in zip(pool.map(learn, jobs), jobs, strict=True)]


def told(result: Result, job: Job) -> Result:
    """Says on stderr what has been done."""
    strategy = load(job.task).settings[job.index].strategy
    print(f"{job.task} {strategy} seed {job.seed}: {result.final}", file=sys.stderr, flush=True)
    return result


def row_of(task: Task, setting: Setting, results: list[Result], costs: Costs) -> Row:
    """Sums the seeds of a strategy up."""
    title, *others = results[0].final
    last = results[0].points[-1]
    per_seed = [r.final[title] for r in results]
    curve = np.mean([[p.metric for p in r.points] for r in results], axis=0)
    return Row(
        task.name, setting.strategy, f"{task.metric}, {title}", float(np.mean(per_seed)), per_seed,
        [min(per_seed), max(per_seed)], {t: [r.final[t] for r in results] for t in others},
        last.bytes_up, last.bytes_down, costs.visit, costs.step, costs.adaptation, costs.ram_bytes,
        last.visits, last.rounds, sum(r.points[-1].refused for r in results),
        {} if setting.strategy == RANDOM else setting.built().parameters(),
        [(p.visits, float(m)) for p, m in zip(results[0].points, curve, strict=True)],
    )  # fmt: skip


def show(rows: list[Row]) -> None:
    """The table for people."""
    others = list(rows[0].others)
    columns = ("strategy", f">{rows[0].metric_name}", ">of the seeds", *(f">{t}" for t in others),
               ">MB up", ">MB down", ">visits", ">rounds", ">instr a visit", ">instr to adapt",
               ">device RAM B", ">refused")  # fmt: skip
    print_table(columns, [_line(row) for row in rows], rows[0].task)


def _line(row: Row) -> tuple[object, ...]:
    return (row.strategy, f"{row.metric:.4f}", f"{row.spread[0]:.4f} .. {row.spread[1]:.4f}",
            *(f"{np.mean(v):.4f}" for v in row.others.values()), f"{row.bytes_up / 1e6:.1f}",
            f"{row.bytes_down / 1e6:.1f}", row.client_visits, row.rounds,
            row.device_instructions if row.device_instructions is not None else "",
            row.adaptation_instructions if row.adaptation_instructions is not None else "",
            row.device_ram_bytes, row.refused)  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools/bench learning", description=__doc__)
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--quick", action="store_true", help="one short run each, within a minute")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="folder for PNG files")
    parser.add_argument("--strategies", default="", help="comma-separated (default: all)")
    parser.add_argument("--seeds", type=int, help="how many (default: the task's)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def main() -> None:
    """Parses the command line and runs."""
    args = arguments()
    name, trials = (f"{args.task}-quick", 10) if args.quick else (args.task, 300)
    only = [s for s in args.strategies.split(",") if s]
    try:
        rows = bench(name, trials, args.processes, only, args.seeds)
        if args.plots:
            learning_plots.save(args.plots, args.task, [asdict(row) for row in rows])
    except TinylearnError as error:
        print(f"tools/bench learning: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if args.json:
        print(json.dumps({"rows": [asdict(row) for row in rows]}, indent=2))
    else:
        show(rows)


if __name__ == "__main__":
    main()
