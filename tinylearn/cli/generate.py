"""Generate self-contained C from a Keras or TFLite model: it infers, and learns what you choose."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.about import add_about_options
from tinylearn.cli.choices import add_choice_options

if TYPE_CHECKING:
    from tinylearn.emit.model import EmittedModel

HELP = "generate C for a microcontroller"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("model", help="a .keras or .tflite file")
    verb.add_argument(
        "-o", "--out", required=True, metavar="DIR", help="folder to write (replaced as a whole)"
    )
    verb.add_argument(
        "--target", default="cortex-m4f", help="see `tinylearn targets` (default cortex-m4f)"
    )
    verb.add_argument(
        "--format",
        default="makefile",
        help="makefile, cmake, arduino, platformio, zephyr, esp-idf, or library: C alone (default "
        "makefile)",
    )
    verb.add_argument("--name", help="prefix of everything generated (default: the file's name)")
    verb.add_argument(
        "--force", action="store_true", help="write even what does not fit the target"
    )
    verb.add_argument(
        "--fleet",
        action="store_true",
        help="let the device take part in federated learning; with --guard, also in rounds that send "
        "back only what moved most or keep a part of the model local",
    )
    add_choice_options(verb)
    add_about_options(verb)


def execute(args: argparse.Namespace) -> int:
    """Compiles, checks that it fits, writes the folder."""
    from pathlib import Path

    from tinylearn.cli.about import about_of
    from tinylearn.cli.model import emitted
    from tinylearn.cli.output import print_json
    from tinylearn.emit import packaging
    from tinylearn.emit.fleet import fleet_target
    from tinylearn.emit.info import describe
    from tinylearn.emit.write import check_replaceable, write_project
    from tinylearn.registry.models.project import described_project, said_of
    from tinylearn.report.fit import require_fit
    from tinylearn.targets import find

    target, folder, chosen = find(args.target), Path(args.out), packaging.find(args.format)
    target = fleet_target(target) if args.fleet else target
    check_replaceable(folder)
    told, model = about_of(args), emitted(args)
    if not args.force:
        require_fit(model, target)
    said = said_of(Path(args.model), model, told)
    write_project(folder, described_project(model, target, args.format, args.fleet, said))
    if args.json:
        print_json({**describe(model, target.name, args.format, args.fleet), "out": args.out})
    else:
        _report(model, args.out, chosen.NEXT)
    return 0


def _report(model: EmittedModel, out: str, following: str) -> None:
    from shlex import quote

    compiled = model.compiled
    parts = ", ".join(f"{size:,} {purpose}" for purpose, size in compiled.ram_by_purpose.items())
    print(
        f"{model.name}: {compiled.plan.flash_weights:,} B of weights in flash, "
        f"{compiled.ram_bytes:,} B of RAM ({parts})"
    )
    print(f"written to {out}; next: {following.format(out=quote(out), name=model.name)}")
