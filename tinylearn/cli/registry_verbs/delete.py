"""Delete devices and models, all that is known of them."""

from __future__ import annotations

import argparse

HELP = "delete devices and models"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("iris", nargs="+", metavar="IRI", help="the device or model")


def execute(args: argparse.Namespace) -> int:
    """Deletes all of them or none."""
    from tinylearn.cli.output import print_json
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.matching.follow import follow
    from tinylearn.registry.store.delete import delete

    with opened(args) as store:
        before = store.revision()
        delete(store, args.iris)
        follow(store, before, args.iris)
    if args.json:
        print_json({"deleted": args.iris})
    else:
        print(f"{len(args.iris):,} deleted")
    return 0
