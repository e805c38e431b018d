"""Options and steps shared by the verbs that work on a generated project."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tinylearn.errors import BadInputError


def add_project(verb: argparse.ArgumentParser) -> None:
    """The positional argument DIR."""
    verb.add_argument("project", metavar="DIR", help="a folder written by `tinylearn generate`")


def add_device(verb: argparse.ArgumentParser) -> None:
    """Where the project runs."""
    verb.add_argument("--device", default="twin", metavar="twin|emulator|serial:PORT",
                      help="host twin (default), emulated board, or a board on a serial port")  # fmt: skip


def read_info(folder: Path) -> dict[str, Any]:
    """The project's info file; raises BadInputError where there is none."""
    found = sorted(folder.glob("*_info.json"))
    if len(found) != 1:
        raise BadInputError(f"{folder}: not a project written by `tinylearn generate`")
    try:
        info = json.loads(found[0].read_text())
        return {**info, "name": str(info["name"]), "target": str(info["target"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{found[0]}: damaged ({error}); generate the project again") from None
