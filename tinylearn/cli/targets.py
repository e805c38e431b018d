"""List the boards and cores that code can be generated for."""

from __future__ import annotations

import argparse

HELP = "list boards and cores"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Prints every target."""
    from dataclasses import asdict

    from tinylearn.cli.output import print_json, print_table
    from tinylearn.targets import all_targets

    targets = all_targets()
    if args.json:
        print_json([asdict(t) for t in targets])
        return 0
    columns = ("target", "core", ">flash kB", ">RAM kB", ">MHz", "runs here under", "")
    print_table(
        columns,
        [(t.name, t.core, t.flash_bytes // 1024, t.ram_bytes // 1024, t.clock_hz // 1_000_000,
          t.emulator.machine if t.emulator else "", t.title) for t in targets],
    )  # fmt: skip
    return 0
