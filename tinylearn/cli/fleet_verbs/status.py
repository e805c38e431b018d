"""Show how a run stands: rounds, version, devices, rollouts."""

from __future__ import annotations

import argparse
from typing import Any

from tinylearn.cli.fleet_options import add_store, opened

HELP = "show how a run stands"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_store(verb)
    verb.add_argument("--watch", action="store_true", help="again and again, until interrupted")


def execute(args: argparse.Namespace) -> int:
    """Prints the status, once or until interrupted."""
    from tinylearn.cli.output import print_json
    from tinylearn.errors import UsageError
    from tinylearn.fleet.status import status

    if args.watch and args.json:
        raise UsageError("--watch is for people; with --json ask again and again")
    with opened(args) as handle:
        if args.watch:
            return _watch(handle)
        content = status(handle)
    print_json(content) if args.json else _print(content)
    return 0


def _print(content: dict[str, Any]) -> None:
    from tinylearn.cli.output import print_table
    from tinylearn.fleet.status import rows

    print_table(("", ""), rows(content))


def _watch(handle: Any) -> int:
    import time

    from rich.live import Live
    from rich.table import Table

    from tinylearn.fleet.status import rows, status

    with Live(auto_refresh=False) as live:
        while True:
            table = Table(show_header=False)
            for row in rows(status(handle)):
                table.add_row(*row)
            live.update(table, refresh=True)
            time.sleep(1)
