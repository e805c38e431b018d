"""Ask the registry in SPARQL: a query by name, from a file, or as it is. It only reads."""

from __future__ import annotations

import argparse
from typing import Any

from tinylearn.cli.arguments import positive_real

HELP = "ask in SPARQL, or a query by name; without one, list those"
_FORMATS = (
    "table",
    "json",
    "csv",
    "tsv",
    "xml",
    "turtle",
    "ntriples",
    "trig",
    "nquads",
    "jsonld",
    "rdfxml",
)


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("what", nargs="?", metavar="NAME|FILE", help="name of a query, or a .rq file")
    verb.add_argument("-e", "--expression", metavar="QUERY", help="the query itself")
    verb.add_argument("--param", action="append", default=[], metavar="NAME=VALUE",
                      help="value of a parameter, or of a variable of the query; for an iri also the name of a "
                      "device, model, sensor or task")  # fmt: skip
    verb.add_argument("--format", choices=_FORMATS, default="table",
                      help="rows: table, json, csv, tsv, xml; triples: the others (default table, turtle)")  # fmt: skip
    verb.add_argument("--seconds", type=positive_real, metavar="S", default=60.0,
                      help="most that it may take (default 60)")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Prints the answer, or what can be asked by name."""
    from tinylearn.registry.query.named import load_all

    if args.what is None and args.expression is None:
        _print_names(args, load_all())
        return 0
    from tinylearn.registry.query.question import answered

    answer = answered(args.store, args.what, args.expression, args.param,
                      "json" if args.json else args.format, args.seconds)  # fmt: skip
    _print_answer(args, answer)
    return 0


def _print_names(args: argparse.Namespace, queries: Any) -> None:
    from tinylearn.cli.output import print_json, print_table

    if args.json:
        print_json([query.summary() for query in queries])
        return
    print_table(("query", "parameters", "answers"), [
        (query.name, " ".join(p.usage for p in query.parameters), query.help) for query in queries
    ])  # fmt: skip


def _print_answer(args: argparse.Namespace, answer: Any) -> None:
    import sys

    from tinylearn.cli.output import print_table
    from tinylearn.registry.query.table import table

    for note in () if args.quiet else answer.notes:
        print(note, file=sys.stderr)
    if args.format == "table" and not args.json and not answer.form.is_graph:
        print_table(*table(answer.body))
        return
    text = answer.body.decode()
    print(text, end="" if text.endswith("\n") else "\n")
