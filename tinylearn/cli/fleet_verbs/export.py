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
        version, blob = exported(handle, Path(args.model) if args.model else None,
                                 args.version)  # fmt: skip
        run = handle.run.id
    write_file(out, blob)
    if args.json:
        print_json({"run": run, "version": version, "bytes": len(blob), "out": args.out})
    else:
        print(f"run {run}, version {version}: {len(blob):,} B written to {args.out}; next: "
              f"tinylearn run {args.model or 'PROJECT'} --weights-in {args.out} --stream DATA.npz")  # fmt: skip
    return 0
