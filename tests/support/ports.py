"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import random
import socket

#: below those that systems give to whoever connects: one of these could be somebody's, or even the
#: caller's own, before the server has it
_FIRST, _LAST = 15_000, 32_000
_CHANCE = random.SystemRandom()  # not the seeded one: tests run in several processes


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    while True:
        port = _CHANCE.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
