"""MQTT topics: ``tinylearn/v1/<fleet>/<device>/up``, ``down`` and ``state``.

``up`` carries a device's messages, ``down`` the coordinator's. ``state`` is retained: the device's
last ANNOUNCE, or its will GONE. A device may publish to its own ``up`` and ``state`` and read its own
``down``, nothing else; the topic is therefore who a message is from.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tinylearn.errors import UsageError

_ROOT = "tinylearn/v1"
#: what fleets and devices are called: a topic level, a user name and a file name alike
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Address(NamedTuple):
    """Whose topic, and which: "up", "down" or "state"."""

    device: str
    channel: str


def check_name(what: str, name: str) -> str:
    """The name, if it can be one; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{what} {name[:80]!r}: up to 64 letters, digits, '-', '_' and '.', the first a letter "
            "or digit"
        )
    return name


def topic(fleet: str, device: str, channel: str) -> str:
    """A device's topic; ``device`` "+" for all."""
    return f"{_ROOT}/{fleet}/{device}/{channel}"


def parse(fleet: str, text: str) -> Address | None:
    """Whose topic it is; None for one that is not of this fleet."""
    prefix = f"{_ROOT}/{fleet}/"
    device, _, channel = text.removeprefix(prefix).partition("/")
    known = text.startswith(prefix) and channel in ("up", "down", "state")
    return Address(device, channel) if known and _NAME.fullmatch(device) else None
