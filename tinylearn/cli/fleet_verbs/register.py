"""Register a run in the registry: its model, the versions it has made and from what, its devices."""

from __future__ import annotations

import argparse

from tinylearn.cli.fleet_options import add_store, opened

HELP = "register a run's versions and devices"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_store(verb)
    verb.add_argument("--registry", required=True, metavar="DIR|URL",
                      help="folder of the registry, or URL of a SPARQL 1.1 endpoint")  # fmt: skip
    verb.add_argument("--model", metavar="PROJECT",
                      help="the model's project (default: where the run was served)")  # fmt: skip
    verb.add_argument("--fleet", default="fleet", metavar="NAME",
                      help="what the fleet is called (default fleet)")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Registers; prints what."""
    from dataclasses import asdict
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.register_run import register
    from tinylearn.fleet.topics import check_name
    from tinylearn.registry.store.open import open_store

    fleet = check_name("fleet", args.fleet)
    project = Path(args.model) if args.model else None
    with opened(args) as handle:
        registry = open_store(args.registry)
        try:
            done = register(handle, registry, fleet, project)
        finally:
            registry.close()
    if args.json:
        print_json(asdict(done))
    else:
        print(f"run {done.run}: {done.versions:,} versions of {done.model} and {done.devices:,} devices "
              f"registered in {args.registry}")  # fmt: skip
    return 0
