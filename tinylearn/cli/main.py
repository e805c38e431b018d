"""The `tinylearn` command: finds the verb, runs it, turns errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tinylearn import __version__
from tinylearn.cli.parser import Parser, add_verbs
from tinylearn.errors import MissingToolError, TinylearnError

#: one file each in this folder, in the order of the work
VERBS = (
    "train",
    "quantize",
    "analyze",
    "generate",
    "validate",
    "build",
    "run",
    "fleet",
    "registry",
    "serve",
    "targets",
    "ops",
    "doctor",
)

_EXIT_CODES = """exit codes:
  0 done   1 it failed   2 usage or bad input   3 unsupported   4 does not fit
  5 generated code and oracle disagree   6 device, broker or coordinator silent
  7 a tool is missing"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with all verbs. Verb modules import nothing heavy until they run."""
    parser = Parser(
        prog="tinylearn",
        description="From a Keras model to microcontrollers that keep learning in the field.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tinylearn {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    add_verbs(verbs, "tinylearn.cli", VERBS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    _open_closed_streams()
    command = "tinylearn"
    try:
        args = build_parser().parse_args(argv)
        command = f"tinylearn {args.command}"
        code = int(args.execute(args) or 0)
        sys.stdout.flush()
        return code
    except TinylearnError as error:
        return _failed(command, str(error), error.exit_code)
    except ModuleNotFoundError as error:
        return _failed(command, _of_packages(error), MissingToolError.exit_code)
    except BrokenPipeError:
        # the reader has seen enough; Python's own flush at exit must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UnicodeEncodeError as error:
        return _failed(command, _of_encoding(error), TinylearnError.exit_code)
    except OSError as error:
        return _failed(command, _of_system(error), TinylearnError.exit_code)
    except KeyboardInterrupt:
        return _failed(command, "interrupted", 130)


def _open_closed_streams() -> None:
    """Who closes a stream (``>&-``) does not want it. Python has None for it then, and the next file that
    is opened would get its number, and with it what a library prints."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115


def _failed(command: str, reason: str, code: int) -> int:
    from tinylearn.cli.output import plain

    said = "\n".join(map(plain, reason.split("\n")))
    print(f"{command}: {said}", file=sys.stderr)
    return code


def _of_packages(error: ModuleNotFoundError) -> str:
    """Which extra brings a package that is not there; raises the error where none does."""
    from tinylearn.cli.doctor import PACKAGES

    name = (error.name or "").partition(".")[0]
    if name not in PACKAGES:
        raise error
    return f"needs {name}: pip install 'tinylearn[{PACKAGES[name][1]}]'"


def _of_encoding(error: UnicodeEncodeError) -> str:
    """A text or the name of a file that cannot be said in what this terminal or a library speaks."""
    letters = ascii(error.object[error.start : error.end])[:80]
    return (
        f"{letters} cannot be written in {error.encoding}; name it otherwise, or set PYTHONUTF8=1"
    )


def _of_system(error: OSError) -> str:
    """What the operating system refused, such as writing to a full disk."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


if __name__ == "__main__":
    sys.exit(main())
