"""The parser of the command and of its verbs: what they have in common."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any, NoReturn

from tinylearn.errors import UsageError


class Parser(argparse.ArgumentParser):
    """Mistakes get one line, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        self.exit(UsageError.exit_code, f"{self.prog}: {message}; see {self.prog} --help\n")


def add_verbs(verbs: Any, package: str, names: Sequence[str], before: str = "") -> None:
    """Adds verbs, each from a module of its name in ``package``: its docstring, HELP, ``configure``
    and ``execute``. ``before``: the words in front of the verb, for errors."""
    for name in names:
        module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
        description = module.__doc__
        verb = verbs.add_parser(name, help=module.HELP, description=description, allow_abbrev=False)
        verb.set_defaults(command=f"{before}{name}")
        module.configure(verb)
        if hasattr(module, "execute"):
            add_common(verb)
            verb.set_defaults(execute=module.execute)


def add_common(verb: argparse.ArgumentParser) -> None:
    """Options of every verb."""
    verb.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    volume = verb.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="show what compilers print")
    volume.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
