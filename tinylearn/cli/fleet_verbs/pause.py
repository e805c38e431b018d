"""Open no further rounds; those under way end."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_request, ask

HELP = "open no further rounds"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    return ask(args, {"do": "pause"})
