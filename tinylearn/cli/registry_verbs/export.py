"""Write the whole registry to one file, for `tinylearn registry import` or other tools.

Works beside a process that serves the registry: what was there when it began. Graphs are named by the
device or model that they describe.
"""

from __future__ import annotations

import argparse

HELP = "write all graphs to a TriG or N-Quads file"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="file to write, .trig or .nq"
    )


def execute(args: argparse.Namespace) -> int:
    """Writes the file."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.cli.project import check_writable
    from tinylearn.cli.registry_options import opened
    from tinylearn.registry.store.dataset_files import dataset_format, export_dataset

    out = Path(args.out)
    dataset_format(out)
    check_writable(out)
    with opened(args, read_only=True) as store:
        written = export_dataset(store, out)
    if args.json:
        print_json({"graphs": written.graphs, "triples": written.quads, "out": args.out})
    else:
        print(f"{written.graphs:,} graphs, {written.quads:,} triples written to {args.out}")
    return 0
