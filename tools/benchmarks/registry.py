"""How fast the registry is, with 1,000, 10,000 and 100,000 devices: rows of size, operation, seconds and
engine. What is measured stands in modules of their own, each with ``rows(quick)``: dataclasses with at
least these four fields."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tinylearn.cli.output import print_json, print_table

MODULES = ("registry_store", "registry_matching", "registry_queries")


def _rows(names: list[str], quick: bool) -> Iterator[Any]:
    for name in names:
        for row in importlib.import_module(name).rows(quick):
            if sys.stderr.isatty():
                print(f"{row.size} {row.operation}", file=sys.stderr)
            yield row


def _cells(row: Any) -> tuple[object, ...]:
    found = asdict(row)
    told = (found.get(name) for name in ("seconds", "megabytes", "bar"))
    cells = ["" if value is None else value for value in told]
    return str(row.size), row.operation, *cells, row.engine


def main() -> None:
    """Prints a table or JSON."""
    parser = argparse.ArgumentParser(prog="tools/bench registry", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without 100,000 devices; a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    parser.add_argument("--only", choices=MODULES, action="append", metavar="MODULE",
                        help=f"one of {', '.join(MODULES)}; may be repeated")  # fmt: skip
    args = parser.parse_args()
    rows = list(_rows(args.only or list(MODULES), args.quick))
    if args.json:
        print_json({"rows": [asdict(row) for row in rows]})
    else:
        print_table((">devices", "operation", ">s", ">MB", ">bar", "engine"), map(_cells, rows))


if __name__ == "__main__":
    main()
