"""Take an evicted or isolated device in again, its strikes forgotten."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_device_name, add_request, ask_of_device

HELP = "take a device in again"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_device_name(verb)
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    return ask_of_device(args, "admit")
