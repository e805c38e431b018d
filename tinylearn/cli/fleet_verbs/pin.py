"""Keep a device at a version, whatever is rolled out; version 0 takes that back."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import (
    add_device_name,
    add_request,
    add_version,
    ask_of_device,
    opened,
)

HELP = "keep a device at a version"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_device_name(verb)
    add_version(verb)
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator; the version's weights must be kept."""
    if args.version:
        with opened(args) as handle:
            handle.weights(args.version)
    return ask_of_device(args, "pin", version=args.version)
