"""Show what each layer of a model costs, and whether the model fits a target."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinylearn.cli.choices import add_choice_options

if TYPE_CHECKING:
    from tinylearn.emit.model import EmittedModel
    from tinylearn.targets.target import Target

HELP = "shapes, MACs, flash and RAM by layer; does it fit?"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("model", help="a .keras file")
    verb.add_argument(
        "--target", default="cortex-m4f", help="see `tinylearn targets` (default cortex-m4f)"
    )
    verb.add_argument(
        "--memory", action="store_true", help="also print the arena: which bytes serve what, when"
    )
    add_choice_options(verb)


def execute(args: argparse.Namespace) -> int:
    """Prints the analysis; 0 also where the model does not fit (see "fits")."""
    from tinylearn.cli.model import emitted
    from tinylearn.cli.output import print_json
    from tinylearn.targets import find

    target = find(args.target)
    content = _content(emitted(args), target)
    if args.json:
        print_json(content)
    else:
        _print(content, args.memory)
    return 0


def _content(model: EmittedModel, target: Target) -> dict[str, Any]:
    from tinylearn.emit.info import describe
    from tinylearn.report.fit import fit, ram_to_infer

    info, found = describe(model, target.name, "none"), fit(model, target)
    learns = model.compiled.program.learns
    return {
        **{key: info[key] for key in ("name", "layers", "loss", "arena", "arena_lower_bound")},
        "target": target.name,
        "macs": info["macs"]["inference"],
        "macs_learning": info["macs"]["learning"],
        "flash": found.flash,
        "flash_weights": found.flash_weights,
        "flash_code_estimate": found.flash_code,
        "ram_inference": ram_to_infer(model),
        "ram_learning": model.compiled.ram_bytes if learns else 0,
        "ram_by_purpose": model.compiled.ram_by_purpose,
        "ram_with_program": found.ram,
        "target_flash": target.flash_bytes,
        "target_ram": target.ram_bytes,
        "fits": found.fits,
        "problems": found.problems(),
    }


def _print(content: dict[str, Any], memory: bool) -> None:
    from tinylearn.cli.output import print_table

    columns = (
        "layer",
        "op",
        "output",
        ">MAC",
        ">flash B",
        ">RAM forward B",
        ">RAM learning B",
        "learns",
    )
    print_table(columns, [_row(layer) for layer in content["layers"]])
    print()
    if memory:
        rows = [
            (", ".join(s["tensors"]), s["offset"], s["bytes"], s["first_op"], s["last_op"])
            for s in content["arena"]
        ]
        print_table(("arena", ">offset", ">bytes", ">first op", ">last op"), rows)
        print()
    for line in _summary(content):
        print(line)


def _row(layer: dict[str, Any]) -> tuple[object, ...]:
    shape = "x".join(str(n) for n in layer["shape"])
    kind = layer["op"] + (
        "" if layer["activation"] in ("linear", layer["op"]) else f" + {layer['activation']}"
    )
    sizes = (
        layer["macs"],
        layer["weight_bytes"],
        layer["ram_forward"],
        layer["ram_learning"] or "",
    )
    return (layer["name"], kind, shape, *sizes, layer["learns"])


def _summary(content: dict[str, Any]) -> list[str]:
    learning = content["ram_learning"]
    purposes = ", ".join(
        f"{size:,} {purpose}" for purpose, size in content["ram_by_purpose"].items()
    )
    lines = [
        f"MAC    {content['macs']:,} an inference"
        + (f", {content['macs_learning']:,} a learning step" if learning else ""),
        f"flash  {content['flash']:,} B: {content['flash_weights']:,} weights, "
        f"about {content['flash_code_estimate']:,} code",
        f"RAM    {content['ram_inference']:,} B to infer"
        + (f", {learning:,} B to learn ({purposes})" if learning else ""),
    ]
    verdict = "fits" if content["fits"] else "does NOT fit: " + "; ".join(content["problems"])
    room = f"{content['target_flash'] // 1024:,} kB flash, {content['target_ram'] // 1024:,} kB RAM"
    return [*lines, f"{content['target']} ({room}) with the device program: {verdict}"]
