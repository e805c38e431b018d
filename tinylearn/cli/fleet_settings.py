"""Options that say how a coordinator runs its rounds: one for each field of ``Config``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from tinylearn.cli.arguments import natural, positive, positive_real, share, words


class _Setting(NamedTuple):
    kind: Callable[[str], Any]
    metavar: str
    help: str


#: by the field's name; the defaults that the texts tell are those of ``Config``
SETTINGS = {
    "rounds": _Setting(positive, "N", "how many, then the run is done (100)"),
    "concurrency": _Setting(positive, "K", "rounds open at once; above 1: asynchronous (1)"),
    "deadline": _Setting(positive_real, "S", "seconds until a round is closed (60)"),
    "retry": _Setting(positive_real, "S", "seconds of silence before a reminder (2)"),
    "most_retry": _Setting(positive_real, "S", "longest time between reminders (30)"),
    "least_share": _Setting(share, "SHARE", "of the devices asked must report (0.5)"),
    "least_devices": _Setting(natural, "N",
                              "must be there; 0: as many as the strategy asks (0)"),
    "tags": _Setting(words, "A,B", "tags that a device needs (none)"),
    "least_ram": _Setting(natural, "B", "free RAM that a device needs (0)"),
    "most_staleness": _Setting(positive, "N", "versions that an update may be behind (20)"),
    "norm_factor": _Setting(positive_real, "F",
                            "updates larger than F times the median of the last are refused (10)"),
    "most_strikes": _Setting(positive, "N", "bad updates before a device is isolated (3)"),
    "isolation_rounds": _Setting(positive, "N", "how long, doubled each time (20)"),
    "most_births": _Setting(positive, "N", "starts before a device is isolated (5)"),
    "birth_window": _Setting(positive_real, "S", "seconds in which they count (60)"),
}  # fmt: skip


def add_settings(group: argparse._ArgumentGroup, without: Collection[str] = ()) -> None:
    """Adds them, but for some; what is not given is None."""
    for name in (name for name in SETTINGS if name not in without):
        setting = SETTINGS[name]
        group.add_argument(f"--{name.replace('_', '-')}", type=setting.kind,
                           metavar=setting.metavar, help=setting.help)  # fmt: skip


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Those that were given."""
    given = {name: getattr(args, name, None) for name in SETTINGS}
    return {name: value for name, value in given.items() if value is not None}
