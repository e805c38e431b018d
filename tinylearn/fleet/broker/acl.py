"""Who may publish and read what: one set of rules, as a Mosquitto file and as a predicate.

A device publishes to its own ``up`` and ``state`` and reads its own ``down``. A coordinator reads
all ``up`` and ``state`` and publishes to all ``down``.
"""

from __future__ import annotations

import re

from tinylearn.errors import UsageError
from tinylearn.fleet.topics import check_name, parse, topic

_COORDINATOR = re.compile(r"coordinator(-[1-9][0-9]*)?")


def coordinators(count: int) -> tuple[str, ...]:
    """User names of so many coordinators."""
    return tuple("coordinator" if i == 1 else f"coordinator-{i}" for i in range(1, count + 1))


def is_coordinator(user: str) -> bool:
    """Whether the user name is one that is kept for coordinators."""
    return _COORDINATOR.fullmatch(user) is not None


def check_device(device: str) -> str:
    """The name, if a device can have it; raises UsageError."""
    if is_coordinator(check_name("device", device)):
        raise UsageError(f"device {device!r}: this name is kept for coordinators; take another")
    return device


def acl_file(fleet: str, count: int) -> str:
    """Mosquitto's acl_file for ``count`` coordinators. Patterns hold for all users."""
    lines = ["# Written by tinylearn; changes are lost when it is written again."]
    for user in coordinators(count):
        lines += ["", f"user {user}"]
        lines += [f"topic read {topic(fleet, '+', channel)}" for channel in ("up", "state")]
        lines += [f"topic write {topic(fleet, '+', 'down')}"]
    lines += ["", *(f"pattern write {topic(fleet, '%u', channel)}" for channel in ("up", "state"))]
    lines += [f"pattern read {topic(fleet, '%u', 'down')}"]
    return "\n".join(lines) + "\n"


def may_publish(fleet: str, user: str, name: str) -> bool:
    """Whether ``user`` may publish to the topic ``name``."""
    address = parse(fleet, name)
    if address is None:
        return False
    if is_coordinator(user):
        return address.channel == "down"
    return address.device == user and address.channel in ("up", "state")


def may_read(fleet: str, user: str, name: str) -> bool:
    """Whether ``user`` may subscribe to the filter ``name``, or be sent from the topic ``name``."""
    if is_coordinator(user):
        address = parse(fleet, name)
        channels = ("up", "state")
        all_of = [topic(fleet, "+", channel) for channel in channels]
        return name in all_of or (address is not None and address.channel in channels)
    return name == topic(fleet, user, "down")
