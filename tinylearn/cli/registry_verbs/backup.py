"""Copy the registry to a new folder, which can be opened like any registry.

Works beside a process that serves the registry. On the same file system the copy is made of hard links:
instant, small, and lost with the disk. For another disk, name a folder there.
"""

from __future__ import annotations

import argparse

HELP = "copy the registry to a new folder"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("-o", "--out", required=True, metavar="DIR", help="folder to make")


def execute(args: argparse.Namespace) -> int:
    """Makes the copy."""
    from pathlib import Path
    from shlex import quote

    from tinylearn.cli.output import print_json
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.store.backup import back_up

    with opened(args, read_only=True) as store:
        back_up(store, Path(args.out))
    if args.json:
        print_json({"out": args.out})
    else:
        print(f"{args.out} written; next: tinylearn registry --store DIR restore {quote(args.out)}")
    return 0
