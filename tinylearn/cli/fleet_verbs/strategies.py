"""List the ways in which a fleet can learn, with their parameters and papers."""

from __future__ import annotations

import argparse

HELP = "list strategies and their parameters"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Prints every strategy and every wrapper."""
    from tinylearn.cli.output import print_json, print_table
    from tinylearn.fleet.strategies.describe import described

    found = described()
    if args.json:
        print_json([row.as_json() for row in found])
        return 0
    print_table(("strategy", "", "parameters and their defaults"),
                [(row.name, row.summary, row.parameter_text()) for row in found])  # fmt: skip
    return 0
