"""Let devices in: makes them users of the broker, and a credentials file for each."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_broker_dir

HELP = "let devices in: make their credentials"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument(
        "devices", nargs="+", metavar="DEVICE", help="their names, of letters, digits, - _ and dots"
    )
    add_broker_dir(verb)


def execute(args: argparse.Namespace) -> int:
    """Enrolls all or none; prints where their credentials are, never what they are."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.broker.acl import check_device
    from tinylearn.fleet.broker.credentials import enroll_many

    names = [check_device(name) for name in args.devices]
    files = enroll_many(Path(args.broker_dir), names)
    if args.json:
        print_json({name: str(file) for name, file in zip(names, files, strict=True)})
        return 0
    for file in files:
        print(file)
    print("move each to where its device or gateway is; a running Mosquitto needs a SIGHUP")
    return 0
