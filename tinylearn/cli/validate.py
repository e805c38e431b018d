"""Compare generated code with the float64 oracle: outputs, losses, weights after learning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.arguments import natural, positive, positive_real
from tinylearn.cli.project import add_project

if TYPE_CHECKING:
    from tinylearn.device.validate import Validation

HELP = "compare generated code with its oracle"

_MODES = {"twin": "twin", "host": "twin", "emulator": "emulator", "serial": "serial"}


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_project(verb)
    verb.add_argument(
        "--mode",
        default="twin",
        choices=tuple(_MODES),
        help="where it runs: in this process (twin, or host), on the emulated board, on a board "
        "(default twin)",
    )
    verb.add_argument("--port", help="serial port of the board, with --mode serial")
    verb.add_argument(
        "--samples",
        type=positive,
        default=64,
        metavar="N",
        help="inputs tried, and learning steps (default 64)",
    )
    verb.add_argument(
        "--seed", type=natural, default=0, metavar="N", help="of the random inputs (default 0)"
    )
    verb.add_argument(
        "--tolerance",
        type=positive_real,
        metavar="T",
        help="largest relative error that passes (default 1e-5; 1e-4 with --standardize)",
    )


def execute(args: argparse.Namespace) -> int:
    """Validates; raises MismatchError beyond the tolerance, after the table is printed."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.device.host import open_device, read_info
    from tinylearn.device.validate import validate
    from tinylearn.emit.graph_file import load
    from tinylearn.pipeline import compile_graph

    where, folder = _where(args), Path(args.project)
    info = read_info(folder)
    compiled = compile_graph(*load(folder / f"{info['name']}_graph.npz"))
    with open_device(where, folder) as device:
        result = validate(device, compiled, args.samples, args.seed, args.tolerance)
    if args.json:
        print_json({**result.as_json(), "mode": args.mode, "seed": args.seed})
    else:
        _print(result, args.mode)
    return _verdict(result, folder.name)


def _where(args: argparse.Namespace) -> str:
    from tinylearn.errors import UsageError

    if (args.mode == "serial") != (args.port is not None):
        raise UsageError("--mode serial needs --port, and no other mode has one")
    return _MODES[args.mode] + (f":{args.port}" if args.port else "")


def _verdict(result: Validation, name: str) -> int:
    from tinylearn.errors import MismatchError

    if not result.passed:
        parts = ", ".join(
            name for name, e in result.parts.items() if not e.within(result.tolerance)
        )
        raise MismatchError(
            f"{name}: {parts} differ from the oracle by more than {result.tolerance:g} relative; "
            "if its learning rate does not make it diverge, please report this model"
        )
    return 0


def _print(result: Validation, mode: str) -> None:
    from tinylearn.cli.output import print_table

    rows = [(name, e.absolute, e.relative, e.mismatched_bytes) for name, e in result.parts.items()]
    print_table(("", ">largest error", ">relative", ">bytes beyond tolerance"), rows)
    steps = f" and {result.steps} learning steps" if result.steps else ""
    oracle = "float64 reference" if result.arithmetic == "float64" else "integer reference"
    print(f"{result.samples} inputs{steps} on the {mode}, against the {oracle} interpreter")
