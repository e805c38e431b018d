"""List the models that are registered, with what matching knows of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinylearn.cli.registry_options import opened

if TYPE_CHECKING:
    from tinylearn.registry.models.facts import Model

HELP = "list models"


def configure(verb: argparse.ArgumentParser) -> None:
    """No options of its own."""


def execute(args: argparse.Namespace) -> int:
    """Prints every model."""
    from tinylearn.cli.output import print_json, print_table
    from tinylearn.registry.catalog import Catalog

    with opened(args, read_only=True) as store:
        models = list(Catalog(store).models())
    if args.json:
        print_json([as_row(model) for model in models])
        return 0
    columns = ("model", "task", "arithmetic", ">RAM B", ">flash B", ">learning RAM B", ">accuracy",
               "sensors", "IRI")  # fmt: skip
    print_table(columns, [_cells(model) for model in models])
    return 0


def as_row(model: Model) -> dict[str, Any]:
    """For JSON."""
    from dataclasses import asdict

    needs = {str(mode): asdict(need) for mode, need in model.needs.items()}
    of_target = [
        {"mode": str(mode), "target": target, **asdict(need)}
        for (mode, target), need in sorted(model.needs_of_target.items())
    ]
    names = ("iri", "title", "arithmetic", "accuracy", "task", "file", "sha256")
    sets = ("sensors", "operators", "unsupported")
    return {
        **{name: getattr(model, name) for name in names},
        **{name: sorted(getattr(model, name)) for name in sets},
        "obstacles": {str(mode): why for mode, why in model.obstacles.items()},
        "needs": needs, "needs_of_target": of_target,
    }  # fmt: skip


def _cells(model: Model) -> tuple[object, ...]:
    from tinylearn.registry.models.facts import Mode
    from tinylearn.registry.names import short

    infer, learn = (model.needs.get(mode) for mode in (Mode.INFERENCE, Mode.LEARNING))
    sensors = ", ".join(short(sensor) for sensor in sorted(model.sensors, key=short))
    accuracy = "" if model.accuracy is None else f"{model.accuracy:.1%}"
    sizes = (infer.ram_bytes if infer else "", infer.flash_bytes if infer else "",
             learn.ram_bytes if learn else "")  # fmt: skip
    return (
        model.title,
        model.task or "",
        model.arithmetic or "",
        *sizes,
        accuracy,
        sensors,
        model.iri,
    )
