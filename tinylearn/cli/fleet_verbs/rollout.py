"""Bring a version to the devices in stages; or pause, resume or abort that."""

from __future__ import annotations

import argparse

from tinylearn.cli.arguments import share, shares
from tinylearn.cli.fleet_options import add_request, add_version, ask_of, ask_of_version, opened

HELP = "bring a version to the devices, in stages"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_version(verb, nargs="?")
    verb.add_argument(
        "--stages", type=shares, default=(0.05, 0.25, 1.0), metavar="SHARE,..",
        help="shares of the devices that have it, one after the other (default 0.05,0.25,1)",
    )  # fmt: skip
    verb.add_argument(
        "--most-errors", type=share, default=0.2, metavar="SHARE",
        help="aborted when more than this share of those who answered failed (default 0.2)",
    )  # fmt: skip
    change = verb.add_mutually_exclusive_group()
    for word, said in (("pause", "bring it to no further devices"), ("resume", "go on with it"),
                       ("abort", "bring devices back to the version before")):  # fmt: skip
        change.add_argument(f"--{word}", dest="change", action="store_const", const=word,
                            help=f"{said} (VERSION: default the last rollout)")  # fmt: skip
    add_request(verb)


def execute(args: argparse.Namespace) -> int:
    """Asks the coordinator."""
    if args.change is None:
        return _begin(args)
    with opened(args) as handle:
        version = handle.rollout(args.version).version
        return ask_of(handle, args, {"do": f"rollout-{args.change}", "version": version})


def _begin(args: argparse.Namespace) -> int:
    from tinylearn.errors import UsageError

    if args.version is None:
        raise UsageError("which version? give its number; tinylearn fleet status tells the newest")
    return ask_of_version(args, "rollout", stages=args.stages, most_errors=args.most_errors)
