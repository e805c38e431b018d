"""Shut a device out: it is no longer a user of the broker, and its credentials are deleted."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_broker_dir

HELP = "shut a device out"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("device", metavar="DEVICE", help="the device's name")
    add_broker_dir(verb)


def execute(args: argparse.Namespace) -> int:
    """Removes the user."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.broker.credentials import revoke

    revoke(Path(args.broker_dir), args.device)
    if args.json:
        print_json({"revoked": args.device})
    else:
        print(f"{args.device} can no longer log in; a running Mosquitto needs a SIGHUP; next: "
              f"tinylearn fleet evict {args.device}, so that no round waits for it")  # fmt: skip
    return 0
