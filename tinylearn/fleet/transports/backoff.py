"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Random waits up to a limit that doubles from ``first`` to ``most`` seconds: a broker that
    comes back is not met by all clients at once (TLS handshakes are what it has fewest of)."""

    first: float = 0.5
    most: float = 30.0
    random: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next(self) -> float:
        """Seconds to wait now."""
        limit = min(self.most, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return self.random.uniform(limit / 10, limit)

    def succeeded(self) -> None:
        """Starts over with short waits."""
        self.failures = 0
