"""Options that say what happens to a simulated fleet, and what a sweep varies."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, NamedTuple

from tinylearn.cli.arguments import (
    natural,
    not_negative,
    positive,
    positive_real,
    real,
    share,
    span,
)
from tinylearn.cli.fleet_settings import SETTINGS


class _Happening(NamedTuple):
    kind: Callable[[str], Any]
    metavar: str
    help: str


#: by the field's name; the defaults that the texts tell are those of ``Scenario``
SCENARIO = {
    "loss": _Happening(share, "P", "chance of a message to be lost (0)"),
    "duplication": _Happening(share, "P", "to come twice (0)"),
    "reordering": _Happening(share, "P", "to be overtaken (0)"),
    "delay": _Happening(span, "A,B", "seconds that messages take, from A to B (0.01,0.1)"),
    "churn": _Happening(share, "P", "chance of a device to leave in a minute (0)"),
    "away": _Happening(positive_real, "S", "seconds until it is back, on average (30)"),
    "resets": _Happening(share, "P", "chance of a reset at each message (0)"),
    "compute": _Happening(not_negative, "S", "seconds that a task takes (1)"),
    "stragglers": _Happening(share, "SHARE", "of the devices are slow (0)"),
    "slowness": _Happening(positive_real, "F", "F times as slow (20)"),
    "liars": _Happening(share, "SHARE", "of the devices send nonsense (0)"),
    "lie": _Happening(real, "F", "their weights times F (1000)"),
}

#: settings without a meaning where all devices are alike
ALIKE = ("tags", "least_ram")
_OTHERS: dict[str, Callable[[str], Any]] = {
    "strategy": str, "devices": positive, "skew": positive_real, "held_out": share,
    "seed": natural, "seconds": positive_real,
}  # fmt: skip


def add_scenario(group: argparse._ArgumentGroup) -> None:
    """Adds them; what is not given is None."""
    for name, what in SCENARIO.items():
        group.add_argument(f"--{name}", type=what.kind, metavar=what.metavar, help=what.help)


def scenario_of(args: argparse.Namespace) -> dict[str, Any]:
    """Those that were given."""
    given = {name: getattr(args, name) for name in SCENARIO}
    return {name: value for name, value in given.items() if value is not None}


def axis(text: str) -> tuple[str, tuple[Any, ...]]:
    """OPTION=A,B,..: what a sweep varies, with values as the option takes them."""
    option, equals, values = text.partition("=")
    name = option.replace("-", "_")
    if not equals or not values:
        raise ArgumentTypeError(f"{text!r} is not OPTION=VALUE,VALUE,..")
    if option.startswith("set.") and len(option) > len("set."):
        return option, tuple(values.split(","))
    kinds = {**_OTHERS, **_kinds(SCENARIO), **_kinds(SETTINGS)}
    if name not in kinds or name in (*ALIKE, "delay"):
        raise ArgumentTypeError(f"{option!r} cannot be varied; what can: set.PARAMETER and "
                                + ", ".join(sorted(set(kinds) - {*ALIKE, "delay"})))  # fmt: skip
    return name, tuple(kinds[name](value) for value in values.split(","))


def _kinds(options: dict[str, Any]) -> dict[str, Callable[[str], Any]]:
    return {name: option.kind for name, option in options.items()}
