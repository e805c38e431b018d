"""Write the folder that a Mosquitto broker serves a fleet from: TLS, users, rules."""

from __future__ import annotations

import argparse

from tinylearn.cli.arguments import port, positive

HELP = "write the configuration of a Mosquitto broker"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("folder", metavar="DIR", help="folder to write, or to update: users stay")
    verb.add_argument("--fleet", default="fleet", metavar="NAME", help="its name (default fleet)")
    verb.add_argument("--host", default="127.0.0.1",
                      help="address to listen at; 0.0.0.0: all (default 127.0.0.1)")  # fmt: skip
    verb.add_argument("--port", type=port, default=8883, metavar="N",
                      help="port to listen at (default 8883)")  # fmt: skip
    verb.add_argument("--name", action="append", default=[], metavar="NAME",
                      help="host name or address by which devices reach it, repeatable")  # fmt: skip
    verb.add_argument("--coordinators", type=positive, default=1, metavar="N",
                      help="how many coordinators share the fleet (default 1)")  # fmt: skip
    verb.add_argument("--client-certificates", action="store_true",
                      help="clients need a certificate beside their password")  # fmt: skip
    verb.add_argument("--user", metavar="NAME",
                      help="whom Mosquitto runs as when root starts it, usually mosquitto")  # fmt: skip
    verb.add_argument("--renew", action="store_true", help="make a new server certificate")


def execute(args: argparse.Namespace) -> int:
    """Writes the folder."""
    from pathlib import Path

    from tinylearn.cli.output import print_json
    from tinylearn.fleet.broker.config import write_broker_config
    from tinylearn.fleet.broker.settings import Settings

    folder = Path(args.folder)
    conf = write_broker_config(folder, args.fleet, args.host, args.port, args.name,
                               args.coordinators, args.client_certificates, args.user,
                               args.renew)  # fmt: skip
    url = Settings.load(folder).url
    if args.json:
        print_json({"config": str(conf), "url": url, "fleet": args.fleet})
    else:
        print(f"fleet {args.fleet} at {url}\nstart: mosquitto -c {conf}; "
              f"next: tinylearn fleet enroll --broker-dir {args.folder} DEVICE")  # fmt: skip
    return 0
