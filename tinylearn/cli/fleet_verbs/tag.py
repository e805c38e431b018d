"""Set a device's tags, which `serve --tags` selects by; none removes them all."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_device_name, add_request, ask_of_device

HELP = "set a device's tags"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_device_name(verb)
    verb.add_argument("tags", nargs="*", metavar="TAG", help="all the tags it is to have")
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    return ask_of_device(args, "tag", tags=args.tags)
