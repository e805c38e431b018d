"""Counts in Mosquitto's log what it has refused.

By default it logs logins, oversized packets and broken protocol; denied publishing and messages that are
too large for the fleet, but not for a packet, only with ``log_type debug``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_LINES = {
    "login": re.compile(r"Client .* disconnected, not authorised\.?$"),
    "publish": re.compile(r"Denied PUBLISH from "),
    "oversized": re.compile(r"disconnected due to oversize packet|Dropped too large PUBLISH from "),
    "nonsense": re.compile(r"Client .* disconnected due to (protocol error|malformed packet)"),
}


def count(lines: Iterable[str]) -> Counter[str]:
    """login, publish, oversized, nonsense."""
    found: Counter[str] = Counter()
    for line in lines:
        found.update(what for what, pattern in _LINES.items() if pattern.search(line))
    return found
