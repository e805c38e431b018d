"""Make the registry what a backup holds, or a file that `tinylearn registry export` has written.

All of it is read before the registry is touched; a folder is then replaced as a whole. Nobody may have it
open for writing meanwhile.
"""

from __future__ import annotations

import argparse

HELP = "make the registry what a backup or an exported file holds"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("source", metavar="DIR|FILE", help="a backup, or a .trig or .nq file")
    verb.add_argument("--replace", action="store_true", help="give up what the registry holds")


def execute(args: argparse.Namespace) -> int:
    """Replaces the registry."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.matching.current_devices import keep_up
    from tinylearn.registry.store.backup import restore

    triples = restore(args.store, Path(args.source), args.replace)
    with opened(args, read_only=True) as store:
        keep_up(store)
    if args.json:
        print_json({"triples": triples, "source": args.source})
    else:
        print(f"{triples:,} triples restored from {args.source}")
    return 0
