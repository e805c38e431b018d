"""Run the coordinator: it asks devices to learn, and combines what they send back."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tinylearn.cli.arguments import assignment, natural, part, port
from tinylearn.cli.fleet_options import BROKER_DIR, add_broker, add_store
from tinylearn.cli.fleet_settings import add_settings, settings_of

if TYPE_CHECKING:
    from tinylearn.fleet.broker_choice import BrokerChoice
    from tinylearn.fleet.serving import RegistryChoice, ServeOptions

HELP = "run the coordinator"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    _add_what(verb.add_argument_group("what is learnt"))
    _add_where(verb)
    add_settings(verb.add_argument_group("rounds", "default: as the run was served last"))
    _add_registry(verb.add_argument_group("the registry"))
    _add_watching(verb.add_argument_group("to look at it"))


def _add_what(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", metavar="PROJECT",
                       help="a folder from `tinylearn generate --learn .. --fleet`")  # fmt: skip
    group.add_argument("--strategy", metavar="NAME",
                       help="how, see `tinylearn fleet strategies`; WRAPPER:NAME for a robust "
                       "one")  # fmt: skip
    group.add_argument("--set", dest="parameters", type=assignment, action="append", default=[],
                       metavar="PARAMETER=VALUE",
                       help="a parameter of the strategy, repeatable")  # fmt: skip
    group.add_argument("--seed", type=natural, metavar="N",
                       help="of who is asked (of a new run: 0 if not given)")  # fmt: skip
    group.add_argument("--new", action="store_true",
                       help="begin another run instead of going on with the one that the store "
                       "holds")  # fmt: skip
    group.add_argument("--from", dest="source", metavar="DIR",
                       help="begin a run as the one that left this --run-dir")  # fmt: skip


def _add_where(verb: argparse.ArgumentParser) -> None:
    add_store(verb)
    add_broker(verb)
    verb.add_argument("--broker-dir", default=BROKER_DIR, metavar="DIR",
                      help="without --broker a broker runs in this process, on this machine alone, "
                      f"from this folder (default {BROKER_DIR})")  # fmt: skip
    verb.add_argument("--port", type=port, metavar="N",
                      help="where that broker listens, decided when its folder is made (default "
                      "8883)")  # fmt: skip
    verb.add_argument("--shard", type=part, default=(0, 1), metavar="I/N",
                      help="look after one of N parts of the fleet (default 0/1)")  # fmt: skip


def _add_registry(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--registry", metavar="DIR|URL",
                       help="register the devices there: a folder that no other process writes to, or "
                       "the URL of a `tinylearn serve`")  # fmt: skip
    group.add_argument("--registry-token-file", metavar="FILE",
                       help="the token that lets one write there")  # fmt: skip
    group.add_argument("--select", metavar="FILE.rq",
                       help="ask the registry, again and again, who may learn: a SELECT of ?name, names "
                       "of devices in the fleet (tl:fleetName)")  # fmt: skip


def _add_watching(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--run-dir", metavar="DIR",
                       help="leave configuration, curve and events there")  # fmt: skip
    group.add_argument("--metrics-port", type=port, metavar="P",
                       help="serve metrics for Prometheus there")  # fmt: skip
    group.add_argument("--metrics-host", default="127.0.0.1", metavar="ADDRESS",
                       help="at which address; anyone who reaches it reads them (default "
                       "127.0.0.1)")  # fmt: skip
    group.add_argument("--until-done", action="store_true",
                       help="end after the last round; else serve until SIGINT or SIGTERM")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Serves; prints how it ended."""
    from dataclasses import asdict

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.serving import serve

    served = serve(_options(args))
    if args.json:
        print_json(asdict(served))
    else:
        print(f"run {served.run}: round {served.last_round:,}, version {served.version:,}; "
              f"{served.counters.get('updates accepted', 0):,} updates taken")  # fmt: skip
    return 0


def _options(args: argparse.Namespace) -> ServeOptions:
    from pathlib import Path

    from tinylearn.errors import UsageError
    from tinylearn.fleet.begin import Wanted
    from tinylearn.fleet.serving import ServeOptions, from_directory
    from tinylearn.fleet.shards import Shard

    if not args.model and not args.source:
        raise UsageError("which model? give --model PROJECT")
    project = Path(args.model) if args.model else None
    wanted = Wanted(args.strategy, dict(args.parameters), settings_of(args), args.seed, args.run,
                    args.new)  # fmt: skip
    options = ServeOptions(
        project or Path(), args.store, wanted, _broker(args), Shard(*args.shard),
        Path(args.run_dir) if args.run_dir else None, args.metrics_port, args.metrics_host,
        _registry(args), args.until_done, sys.stderr.isatty() and not (args.quiet or args.json), args.quiet,
    )  # fmt: skip
    return from_directory(options, Path(args.source), project) if args.source else options


def _registry(args: argparse.Namespace) -> RegistryChoice | None:
    from pathlib import Path

    from tinylearn.errors import UsageError
    from tinylearn.fleet.registries import read_query
    from tinylearn.fleet.serving import RegistryChoice

    if args.registry is None:
        if args.select or args.registry_token_file:
            raise UsageError("which registry? give --registry DIR or --registry URL")
        return None
    token = Path(args.registry_token_file) if args.registry_token_file else None
    query = read_query(Path(args.select)) if args.select else None
    return RegistryChoice(args.registry, token, query)


def _broker(args: argparse.Namespace) -> BrokerChoice:
    from pathlib import Path

    from tinylearn.fleet.broker_choice import BrokerChoice

    credentials = Path(args.credentials) if args.credentials else None
    return BrokerChoice(args.broker, credentials, args.fleet, Path(args.broker_dir), args.port)
