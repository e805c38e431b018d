"""Options that say what a model is for, shared by the verbs that describe one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tinylearn.cli.arguments import share

if TYPE_CHECKING:
    from tinylearn.registry.models.about import About


def add_about_options(verb: argparse.ArgumentParser, measured: bool = False) -> None:
    """Adds the options that ``about_of`` reads; ``measured``: the verb measures the accuracy."""
    what = verb.add_argument_group("what it is for", "goes into the model's description in RDF")
    what.add_argument(
        "--sensor",
        action="append",
        default=[],
        metavar="NAME",
        help="a sensor that the model needs, such as microphone, or the IRI of its class; repeat it "
        "for several",
    )
    what.add_argument(
        "--task",
        metavar="NAME",
        help="classification, regression, object-detection, feature-extraction or unsupervised",
    )
    what.add_argument(
        "--dataset", metavar="NAME|IRI", help="what it was trained on, by its name or address"
    )
    what.add_argument("--description", metavar="TEXT", help="what it does, in a sentence")
    if not measured:
        what.add_argument(
            "--accuracy", type=share, metavar="SHARE", help="of it, as a share from 0 to 1"
        )


def about_of(args: argparse.Namespace) -> About:
    """What the user says of the model; raises UsageError."""
    from tinylearn.registry.models.about import about

    accuracy = getattr(args, "accuracy", None)
    return about(args.sensor, args.task, args.dataset, accuracy, args.description)
