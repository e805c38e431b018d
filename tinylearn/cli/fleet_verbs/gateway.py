"""Bring a board, an emulated board or a twin into a fleet: messages both ways, and samples."""

from __future__ import annotations

import argparse
import sys

from tinylearn.cli.arguments import natural
from tinylearn.cli.fleet_options import add_broker

HELP = "bring a board or a twin into a fleet"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("--device", required=True, metavar="twin:PROJECT|emulator:PROJECT|serial:PORT",
                      help="what takes part; its project is generated with --fleet")  # fmt: skip
    add_broker(verb)
    verb.add_argument("--name", metavar="NAME", help="the device's, if the credentials do not say")
    verb.add_argument("--stream", metavar="DATA.npz",
                      help="what it learns from, as for `tinylearn run`; without it the board's own "
                      "samples")  # fmt: skip
    verb.add_argument("--free-ram", type=natural, metavar="B",
                      help="what to announce (of twins and emulated boards: what the target has "
                      "left)")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Bridges until SIGINT or SIGTERM; prints what has passed."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.bridging import GatewayOptions, bridge
    from tinylearn.fleet.broker_choice import place_of

    place = place_of(args.broker, args.fleet, Path(args.credentials) if args.credentials else None)
    options = GatewayOptions(args.device, place, args.name,
                             Path(args.stream) if args.stream else None, args.free_ram,
                             args.quiet)  # fmt: skip
    passed = bridge(options, sys.stderr)
    if args.json:
        print_json(passed)
    else:
        print(f"{passed['device']}: {passed['up']:,} messages up, {passed['down']:,} down")
    return 0
