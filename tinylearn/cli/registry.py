"""Ask what fits what: devices and models in one registry."""

from __future__ import annotations

import argparse

from tinylearn.cli.parser import add_verbs
from tinylearn.cli.registry_verbs import VERBS

HELP = "describe devices and models, ask which model runs on which device"


def configure(verb: argparse.ArgumentParser) -> None:
    """Verbs of their own, one file each in ``registry_verbs``."""
    verb.add_argument(
        "--store",
        metavar="DIR|URL",
        default="registry",
        help="folder of the registry, or the URL of a SPARQL 1.1 endpoint (default ./registry)",
    )
    verbs = verb.add_subparsers(dest="registry_verb", metavar="VERB", title="verbs", required=True)
    add_verbs(verbs, "tinylearn.cli.registry_verbs", VERBS, before="registry ")
    for name in VERBS:
        # behind the verb as well; suppressed, since its default would hide what stands in front
        verbs.choices[name].add_argument(
            "--store",
            metavar="DIR|URL",
            default=argparse.SUPPRESS,
            help="which registry, as before the verb",
        )
