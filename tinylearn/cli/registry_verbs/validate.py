"""Check descriptions of hardware and models against the shapes, and Thing Descriptions against their
standard: in files, as they are, or without files of all that is registered. Changes nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinylearn.cli.registry_options import opened

HELP = "say what is wrong with descriptions"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("paths", nargs="*", type=Path, metavar="FILE|FOLDER", help="what to check")


def execute(args: argparse.Namespace) -> int:
    """Prints each mistake; 2 where there is one."""
    from dataclasses import asdict

    from tinylearn.cli.output import print_json, progress
    from tinylearn.errors import BadInputError
    from tinylearn.registry.importing.checking import wrong_in_files, wrong_in_store
    from tinylearn.registry.importing.files import all_found

    if args.paths:
        files = all_found(args.paths)
        wrong = list(wrong_in_files(progress(files, len(files), "checking", args)))
    else:
        with opened(args, read_only=True) as store:
            wrong = list(wrong_in_store(store))
    if args.json:
        print_json([asdict(one) for one in wrong])
    else:
        for one in wrong:
            print(": ".join(part for part in (one.place, one.thing, one.message) if part))
        count = len(wrong)
        print(f"{count:,} mistake{'' if count == 1 else 's'}" if wrong else "nothing wrong")
    return BadInputError.exit_code if wrong else 0
