"""Show all that is known of one device, model or thing: a summary, its Thing Description, or the
triples of its graph."""

from __future__ import annotations

import argparse

from tinylearn.cli.registry_options import opened

HELP = "show one device, model or thing"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("name", metavar="IRI|NAME", help="its IRI, the end of that, or its title")
    form = verb.add_mutually_exclusive_group()
    form.add_argument("--turtle", action="store_true", help="its graph")
    form.add_argument("--td", action="store_true", help="its Thing Description, as it came")


def execute(args: argparse.Namespace) -> int:
    """Prints it."""
    from pyoxigraph import NamedNode

    from tinylearn.cli.output import print_json, print_table
    from tinylearn.errors import UsageError
    from tinylearn.registry.catalog import Catalog
    from tinylearn.registry.matching.resolve import ANY, resolve
    from tinylearn.registry.shown import facts_of, td_of, turtle_of

    if not args.name:
        raise UsageError("a name is empty; give an IRI, the end of one, or a title")
    with opened(args, read_only=True) as store:
        iri = NamedNode(resolve(store, ANY, args.name))
        if args.turtle:
            text = turtle_of(store.graph(iri))
            print_json({"turtle": text}) if args.json else print(text, end="")
        elif args.td:
            print_json(td_of(Catalog(store), iri))
        else:
            facts = facts_of(iri, store.graph(iri))
            print_json(dict(facts)) if args.json else print_table(("", ""), facts)
    return 0
