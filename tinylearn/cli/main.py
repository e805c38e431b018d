"""The `tinylearn` command: finds the verb, runs it, turns errors into exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tinylearn import __version__
from tinylearn.errors import TinylearnError, UsageError

#: one file each in this folder, in the order of the work
VERBS = (
    "train",
    "quantize",
    "analyze",
    "generate",
    "validate",
    "build",
    "run",
    "targets",
    "ops",
    "doctor",
)

_EXIT_CODES = """exit codes:
  0 done   1 it failed   2 usage or bad input   3 unsupported   4 does not fit
  5 generated code and oracle disagree   6 device silent or refusing   7 a tool is missing"""


class _Parser(argparse.ArgumentParser):
    """Mistakes get one line, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(UsageError.exit_code, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser with all verbs. Verb modules import nothing heavy until they run."""
    parser = _Parser(
        prog="tinylearn",
        description="From a Keras model to microcontrollers that keep learning in the field.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tinylearn {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    for name in VERBS:
        module = importlib.import_module(f"tinylearn.cli.{name}")
        description = module.__doc__
        verb = verbs.add_parser(name, help=module.HELP, description=description, allow_abbrev=False)
        module.configure(verb)
        _add_common(verb)
        verb.set_defaults(execute=module.execute)
    return parser


def _add_common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    volume = verb.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="show what compilers print")
    volume.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = build_parser().parse_args(argv)
    try:
        code = int(args.execute(args) or 0)
        sys.stdout.flush()
        return code
    except TinylearnError as error:
        return _failed(args, str(error), error.exit_code)
    except BrokenPipeError:
        # the reader has seen enough; Python's own flush at exit must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(args, _of_system(error), TinylearnError.exit_code)
    except KeyboardInterrupt:
        return _failed(args, "interrupted", 130)


def _failed(args: argparse.Namespace, reason: str, code: int) -> int:
    print(f"tinylearn {args.verb}: {reason}", file=sys.stderr)
    return code


def _of_system(error: OSError) -> str:
    """What the operating system refused, such as writing to a full disk."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


if __name__ == "__main__":
    sys.exit(main())
