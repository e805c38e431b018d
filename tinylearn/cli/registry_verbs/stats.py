"""Show how much the registry holds."""

from __future__ import annotations

import argparse

HELP = "show how much the registry holds"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Counts."""
    from dataclasses import asdict

    from tinylearn.cli.output import print_json, print_table
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.store.stats import stats_of

    with opened(args, read_only=True) as store:
        found = asdict(stats_of(store))
    if args.json:
        print_json(found)
    else:
        print_table(("", ""), [(name, value) for name, value in found.items() if value is not None])
    return 0
