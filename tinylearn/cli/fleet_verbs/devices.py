"""List the devices that a run knows, and what was decided about them."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_store, opened

HELP = "list the devices"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_store(verb)


def execute(args: argparse.Namespace) -> int:
    """Prints every device."""
    from tinylearn.cli.output import print_json, print_table
    from tinylearn.fleet.logs import printable
    from tinylearn.fleet.status import device_rows

    with opened(args) as handle:
        rows = device_rows(handle)
    if args.json:
        print_json(rows)
        return 0
    print_table(
        ("device", "state", ">version", ">frame B", ">free RAM B", ">strikes", "tags"),
        [(r["name"], r["state"], r["deployed"], r["frame_bytes"], r["free_ram"],
          r["strikes"], printable(" ".join(r["tags"]))) for r in rows],
    )  # fmt: skip
    return 0
