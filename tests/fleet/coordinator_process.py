"""A coordinator that takes messages, says so, and acknowledges none: to be killed.
Arguments: address, fleet, file of credentials."""

from __future__ import annotations

import sys

from tinylearn.fleet.transports.base import Incoming
from tinylearn.fleet.transports.credentials import Credentials
from tinylearn.fleet.transports.mqtt import open_coordinator_transport


def _say(incoming: Incoming) -> None:
    print(incoming.content.decode(), flush=True)


if __name__ == "__main__":
    url, fleet, path = sys.argv[1:]
    transport = open_coordinator_transport(url, fleet, Credentials.load(path))
    transport.start(_say)
    print("ready", flush=True)
    while True:
        transport.wait(10)
