"""From a match to a project: the model's C for the device's target, and a function for each sensor that
the model reads, for you to fill in (sensors.c)."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinylearn.cli.registry_matching import add_match_options
from tinylearn.cli.registry_options import opened

HELP = "write the project of a model for a device that it fits"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("--model", required=True, metavar="NAME", help="title, IRI or end of one")
    verb.add_argument("--device", required=True, metavar="NAME", help="title, IRI or end of one")
    verb.add_argument(
        "-o", "--out", required=True, metavar="DIR", help="folder to write (replaced as a whole)"
    )
    add_match_options(verb)
    verb.add_argument(
        "--format",
        help="see `tinylearn generate` (default: makefile, or arduino where the board is started up by it)",
    )
    verb.add_argument("--target", help="what the device is, where it does not say so itself")
    verb.add_argument(
        "--file", type=Path, help="the model's file, where the registry keeps no copy of it"
    )
    verb.add_argument("--name", help="prefix of everything generated (default: the model's title)")
    verb.add_argument(
        "--discard-sensors", action="store_true", help="also where sensors.c in DIR was filled in"
    )


def execute(args: argparse.Namespace) -> int:
    """Makes the project and writes the folder; exit code 4 where the model does not fit."""
    from shlex import quote

    from tinylearn.cli.output import print_json
    from tinylearn.emit import packaging
    from tinylearn.emit.write import check_replaceable, write_project
    from tinylearn.registry.matching.resolve import DEVICE, MODEL, resolve
    from tinylearn.registry.models.facts import Mode
    from tinylearn.registry.projects.make import Wanted, project
    from tinylearn.registry.projects.written import check_sensors

    folder = Path(args.out)
    check_replaceable(folder)
    wanted = Wanted(
        Mode(args.mode), args.format, args.target, args.file, args.name, args.allow_soft_float
    )
    with opened(args, read_only=True) as store:
        model, device = resolve(store, MODEL, args.model), resolve(store, DEVICE, args.device)
        made = project(store, model, device, wanted)
    if not args.discard_sensors:
        check_sensors(folder, made.files)
    write_project(folder, made.files)
    if args.json:
        print_json({"name": made.name, "target": made.target, "format": made.project_format,
                    "sensors": list(made.sensors), "out": args.out})  # fmt: skip
        return 0
    following = packaging.find(made.project_format).NEXT.format(out=quote(args.out), name=made.name)
    print(f"{made.name} for {made.target}, reading {', '.join(made.sensors) or 'no sensor'}")
    print(f"written to {args.out}; next: fill in sensors.c, then {following}" if made.sensors
          else f"written to {args.out}; next: {following}")  # fmt: skip
    return 0
