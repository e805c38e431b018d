"""Show what the coordinator has told: the log of a run."""

from __future__ import annotations

import argparse

from tinylearn.cli.arguments import positive
from tinylearn.cli.fleet_options import add_store, opened

HELP = "show the log of a run"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_store(verb)
    verb.add_argument("-n", "--last", type=positive, default=50, metavar="N",
                      help="how many of the last entries (default 50)")  # fmt: skip
    verb.add_argument("-f", "--follow", action="store_true",
                      help="go on with what comes, until interrupted; with --json a line an "
                      "entry")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Prints the last entries, oldest first."""
    from tinylearn.cli.output import print_json
    from tinylearn.fleet import logs

    line = logs.json_line if args.json else logs.text_line
    with opened(args) as handle:
        found = [logs.stored(handle.run.id, *row) for row in handle.history(args.last)]
        if args.json and not args.follow:
            print_json(found)
            return 0
        for values in found:
            print(line(values))
        if args.follow:
            for row in handle.follow(found[-1]["number"] if found else 0):
                print(line(logs.stored(handle.run.id, *row)), flush=True)
    return 0
