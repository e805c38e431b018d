"""Delete devices and models, all that is known of them."""

from __future__ import annotations

import argparse

HELP = "delete devices and models"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("names", nargs="+", metavar="IRI|NAME",
                      help="its IRI, the end of that, or its title")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Deletes all of them or none."""
    from pyoxigraph import NamedNode

    from tinylearn.cli.output import print_json
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.matching.current_devices import keep_up
    from tinylearn.registry.matching.resolve import ANY, resolve

    with opened(args) as store:
        found = (resolve(store, ANY, name, certain=True) for name in args.names)
        iris = list(dict.fromkeys(found))
        store.upsert({}, deleted=map(NamedNode, iris))
        keep_up(store)
    if args.json:
        print_json({"deleted": iris})
    else:
        print(f"{len(iris):,} deleted")
    return 0
