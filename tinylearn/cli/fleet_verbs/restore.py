"""Learn on from the weights of an earlier version; they become the newest."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_request, add_version, ask_of_version

HELP = "learn on from an earlier version"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_version(verb)
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    return ask_of_version(args, "restore")
