"""Simulate a fleet, the devices' generated C in virtual time; or its devices, before a real broker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tinylearn.cli.arguments import assignment, natural, positive, positive_real, share
from tinylearn.cli.fleet_scenario import ALIKE, add_scenario, axis, scenario_of
from tinylearn.cli.fleet_settings import add_settings, settings_of

if TYPE_CHECKING:
    from tinylearn.fleet.simulate import Point
    from tinylearn.fleet.simulating import Simulated, SimulateOptions

HELP = "simulate a fleet, or its devices"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    _add_what(verb)
    add_settings(verb.add_argument_group("rounds"), without=ALIKE)
    add_scenario(verb.add_argument_group("what happens", "all of it drawn from the seed"))
    _add_results(verb.add_argument_group("results"))
    _add_broker(verb.add_argument_group("instead of in memory"))


def _add_what(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", required=True, metavar="PROJECT",
                      help="a folder from `tinylearn generate --learn .. --fleet`")  # fmt: skip
    verb.add_argument("--data", required=True, metavar="SAMPLES.npz",
                      help="x and y of all devices; with a column `device` each entry of it is a "
                      "device with its own, else they are dealt out by the seed")  # fmt: skip
    verb.add_argument("--strategy", metavar="NAME",
                      help="as for `tinylearn fleet serve`, see `tinylearn fleet strategies`")  # fmt: skip
    verb.add_argument("--set", dest="parameters", type=assignment, action="append", default=[],
                      metavar="PARAMETER=VALUE",
                      help="a parameter of the strategy, repeatable")  # fmt: skip
    verb.add_argument("--devices", type=positive, metavar="N",
                      help="how many (default: as many as the samples or credentials know, or "
                      "100)")  # fmt: skip
    verb.add_argument("--skew", type=positive_real, metavar="ALPHA",
                      help="deal labels out unevenly, by a Dirichlet distribution (Hsu et al. 2019): "
                      "at 100 all devices are alike, at 0.1 most have one label or two")  # fmt: skip
    verb.add_argument("--held-out", type=share, default=0.2, metavar="SHARE",
                      help="of the samples, which no device gets, to measure on (default 0.2)")  # fmt: skip
    verb.add_argument("--seed", type=natural, default=0, metavar="N",
                      help="same seed, same run, byte by byte (default 0)")  # fmt: skip
    verb.add_argument("--seconds", type=positive_real, metavar="S",
                      help="end then at the latest, in virtual time or before a broker in real "
                      "time")  # fmt: skip


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--plot", metavar="FILE.png", help="draw the loss by round")
    group.add_argument("--run-dir", metavar="DIR", help="leave what `serve --run-dir` leaves")
    group.add_argument("--sweep", type=axis, action="append", default=[], metavar="OPTION=A,B",
                       help="one run for each value of an option, or of set.PARAMETER; repeatable: "
                       "all combinations")  # fmt: skip
    group.add_argument("--backend", choices=("processes", "ray"), default="processes",
                       help="where a sweep runs (default processes)")  # fmt: skip
    group.add_argument("--processes", type=positive, metavar="N",
                       help="how many at once (default: one a core)")  # fmt: skip


def _add_broker(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--broker", metavar="mqtts://HOST[:PORT]",
                       help="connect the devices to this broker and serve the coordinator there, "
                       "until SIGINT, SIGTERM or --seconds")  # fmt: skip
    group.add_argument("--credentials-dir", metavar="DIR",
                       help="of the devices, from `tinylearn fleet enroll`; without it they are "
                       "d00000, d00001, .. without a password")  # fmt: skip
    group.add_argument("--fleet", metavar="NAME",
                       help="the fleet's name in topics, if the credentials do not say")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Simulates once or many times, or serves; prints what happened."""
    if args.broker or args.credentials_dir:
        return _serve(args)
    _check(args)
    return _sweep(args) if args.sweep else _simulate(args)


def _check(args: argparse.Namespace) -> None:
    """What is wrong with the options among each other, before any work."""
    from pathlib import Path

    from tinylearn.cli.project import check_writable
    from tinylearn.errors import UsageError
    from tinylearn.report.plots import check_png

    axes = [name for name, _ in args.sweep]
    if not args.strategy and "strategy" not in axes:
        raise UsageError("which strategy? give --strategy; tinylearn fleet strategies lists them")
    if len(axes) != len(set(axes)):
        raise UsageError("--sweep: give each option once, with all of its values")
    if args.sweep and (args.plot or args.run_dir):
        raise UsageError("--plot and --run-dir are of one run; leave --sweep out")
    if args.plot:
        check_png(Path(args.plot))
        check_writable(Path(args.plot))


def _options(args: argparse.Namespace) -> SimulateOptions:
    from pathlib import Path

    from tinylearn.fleet.simulating import SimulateOptions

    return SimulateOptions(
        Path(args.model), Path(args.data), args.strategy or "", dict(args.parameters),
        settings_of(args), scenario_of(args), args.devices, args.skew, args.held_out, args.seed,
        args.seconds, Path(args.run_dir) if args.run_dir else None,
    )  # fmt: skip


# ---- one run ----


def _simulate(args: argparse.Namespace) -> int:
    from dataclasses import asdict
    from pathlib import Path

    from tinylearn.cli.output import print_json, print_table
    from tinylearn.fleet.simulating import simulate
    from tinylearn.report.plots import save_curves

    with _bar(args) as advance:
        found = simulate(_options(args), advance)
    if args.plot:
        save_curves(Path(args.plot), {found.strategy: found.curve}, "loss before learning",
                    xlabel="round")  # fmt: skip
    if args.json:
        print_json(asdict(found))
    else:
        print_table(("", ">"), _rows(found))
    return 0


def _rows(found: Simulated) -> Iterator[tuple[str, object]]:
    """What happened, without what did not."""
    yield "devices", found.devices
    yield "rounds", f"{found.rounds:,} of {found.rounds_wanted:,}"
    yield from ((f"updates {name}", n) for name, n in found.updates.items() if n)
    yield from ((f"messages {name}", n) for name, n in found.messages.items() if n)
    happened = {"rounds void": found.rounds_void, "resets": found.resets,
                "departures": found.departures,
                "devices isolated": found.isolated_devices}  # fmt: skip
    yield from ((name, n) for name, n in happened.items() if n)
    yield "MB up, down", f"{found.bytes_up / 1e6:.3g}, {found.bytes_down / 1e6:.3g}"
    yield "virtual seconds", f"{found.seconds:,.1f}"
    yield "loss, first and last rounds", f"{found.loss_first:.4g}, {found.loss_last:.4g}"
    if found.accuracy == found.accuracy:
        yield (
            "accuracy held out, before and after",
            f"{found.accuracy_before:.3f}, {found.accuracy:.3f}",
        )


@contextmanager
def _bar(args: argparse.Namespace) -> Iterator[Callable[[Point], None]]:
    """A progress bar over the rounds, where a person is looking."""
    from tinylearn.cli.output import watched

    if not watched(args):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    from tinylearn.fleet.config import Config

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulating", total=args.rounds or Config().rounds)
        yield lambda point: bar.update(task, completed=point.round)


# ---- many ----

_SHOWN = {
    ">rounds": "rounds", ">void": "rounds_void", ">virtual s": "seconds",
    ">loss first": "loss_first", ">loss last": "loss_last", ">accuracy": "accuracy",
}  # fmt: skip


def _sweep(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from tinylearn.cli.output import print_json, print_table, progress
    from tinylearn.fleet.sweep import BACKENDS, combinations, sweep

    axes: dict[str, Any] = dict(args.sweep)
    rows = sweep(_options(args), axes, BACKENDS[args.backend](args.processes))
    found = list(progress(rows, len(combinations(axes)), "simulating", args))
    if args.json:
        print_json([{"varied": row.varied, **asdict(row.result)} for row in found])
        return 0
    columns = [*axes, *_SHOWN, ">accepted", ">lost"]
    print_table(columns, [
        (*row.varied.values(), *(getattr(row.result, name) for name in _SHOWN.values()),
         row.result.updates.get("accepted", 0), row.result.messages.get("lost", 0))
        for row in found
    ])  # fmt: skip
    return 0


# ---- in front of a broker ----


def _serve(args: argparse.Namespace) -> int:
    from dataclasses import asdict
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.crowd import CrowdOptions, serve_crowd

    _check_serving(args)
    folder = Path(args.credentials_dir) if args.credentials_dir else None
    options = CrowdOptions(
        Path(args.model), Path(args.data), args.broker, args.fleet, folder, args.devices,
        args.skew, args.seed, args.seconds, args.quiet,
    )  # fmt: skip
    served = serve_crowd(options, sys.stderr)
    if args.json:
        print_json(asdict(served))
    else:
        print(f"{served.connected:,} of {served.devices:,} devices connected at the end; "
              f"{served.up:,} messages up, {served.down:,} down")  # fmt: skip
    return 0


def _check_serving(args: argparse.Namespace) -> None:
    """The network is what it is, and the coordinator has its own options."""
    from tinylearn.errors import UsageError

    given = [*scenario_of(args), *settings_of(args)]
    names = ("strategy", "parameters", "plot", "run_dir", "sweep")
    given += [name for name in names if getattr(args, name)]
    if given:
        option = {"parameters": "set"}.get(given[0], given[0]).replace("_", "-")
        raise UsageError(f"--{option}: is not for devices in front of a broker; leave it out")
