"""Never ask a device again, nor send it versions; `admit` takes that back."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_device_name, add_request, ask_of_device

HELP = "leave a device out for good"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_device_name(verb)
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    return ask_of_device(args, "evict")
