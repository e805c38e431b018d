"""Learn together: a fleet of devices over MQTT, and the coordinator that combines what they learn."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_verbs import VERBS
from tinylearn.cli.parser import add_verbs

HELP = "serve and operate a fleet of devices"


def configure(verb: argparse.ArgumentParser) -> None:
    """Verbs of their own, one file each in ``fleet_verbs``."""
    verbs = verb.add_subparsers(dest="fleet_verb", metavar="VERB", title="verbs", required=True)
    add_verbs(verbs, "tinylearn.cli.fleet_verbs", VERBS, before="fleet ")
