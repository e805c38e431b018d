"""Write a version's weights as a blob, for `tinylearn run --weights-in`."""

from __future__ import annotations

import argparse

from tinylearn.cli.arguments import natural
from tinylearn.cli.fleet_options import add_store, opened

HELP = "write a version's weights to a file"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_store(verb)
    verb.add_argument("--model", metavar="PROJECT",
                      help="the model's project (default: where the run was served)")  # fmt: skip
    verb.add_argument("--version", type=natural, metavar="N", help="which (default: the newest)")
    verb.add_argument("-o", "--out", required=True, metavar="FILE", help="file to write")


def execute(args: argparse.Namespace) -> int:
    """Writes the file."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.cli.project import check_writable
    from tinylearn.emit.write import write_file
    from tinylearn.fleet.export import exported

    out = Path(args.out)
    check_writable(out)
    with opened(args) as handle:
        found = exported(handle, Path(args.model) if args.model else None, args.version)
        run = handle.run.id
    write_file(out, found.blob)
    if args.json:
        print_json({"run": run, "version": found.version, "bytes": len(found.blob),
                    "out": args.out})  # fmt: skip
    else:
        print(f"run {run}, version {found.version}: {len(found.blob):,} B written to {args.out}; "
              f"next: tinylearn run {found.project} --weights-in {args.out} --stream "
              "DATA.npz")  # fmt: skip
    return 0
