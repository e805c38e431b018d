"""Compile a generated project for its target and show its sizes."""

from __future__ import annotations

import argparse
from typing import Any

from tinylearn.cli.project import add_project, number

HELP = "compile a project"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_project(verb)


def execute(args: argparse.Namespace) -> int:
    """Builds and prints code, weights and RAM."""
    from pathlib import Path

    from tinylearn.cli.output import print_json, print_table
    from tinylearn.device.build import build_project
    from tinylearn.device.host import read_info
    from tinylearn.report.size import model_code_bytes, sizes_of
    from tinylearn.targets import find

    folder = Path(args.project)
    info = read_info(folder)
    weights, ram = number(info, "flash", "weights"), number(info, "ram_bytes")
    elf = build_project(folder, info["name"], find(info["target"]), verbose=args.verbose)
    image = sizes_of(elf)
    content = {
        "elf": str(elf),
        "model_code_bytes": model_code_bytes(folder, info["name"], weights),
        "model_weights_bytes": weights,
        "model_ram_bytes": ram,
        "image_flash_bytes": image.flash,
        "image_ram_bytes": image.data + image.zeroed,
    }
    if args.json:
        print_json(content)
    else:
        print_table(
            ("", ">bytes"),
            [
                (key.removesuffix("_bytes").replace("_", " "), value)
                for key, value in content.items()
                if key != "elf"
            ],
        )
        print(f"{elf}; next: tinylearn {_following(info)} {args.project}")
    return 0


def _following(info: dict[str, Any]) -> str:
    """What one does next: a model that does not learn can only be compared with its oracle."""
    if info.get("loss") == "none":
        return "validate --mode emulator"
    return "run --device emulator --stream DATA.npz"
