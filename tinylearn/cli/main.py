"""The `tinylearn` command: finds the verb, runs it, turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tinylearn import __version__
from tinylearn.errors import TinylearnError

#: one file each in this folder, in the order of the work
VERBS = ("train", "analyze", "generate", "validate", "build", "run", "targets", "ops", "doctor")

_EXIT_CODES = """exit codes:
  0 done   1 it failed   2 usage or bad input   3 unsupported   4 does not fit
  5 generated code and oracle disagree   6 device silent or refusing   7 a tool is missing"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with all verbs. Verb modules import nothing heavy until they run."""
    parser = argparse.ArgumentParser(
        prog="tinylearn",
        description="From a Keras model to microcontrollers that keep learning in the field.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tinylearn {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        module = importlib.import_module(f"tinylearn.cli.{name}")
        verb = verbs.add_parser(name, help=module.HELP, description=module.__doc__)
        module.configure(verb)
        _add_common(verb)
        verb.set_defaults(execute=module.execute)
    return parser


def _add_common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    volume = verb.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="show what tools print")
    volume.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.execute(args) or 0)
    except TinylearnError as error:
        print(f"tinylearn {args.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"tinylearn {args.verb}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
