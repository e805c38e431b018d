"""What happens to a simulated fleet, all of it drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.errors import UsageError
from tinylearn.fleet.transports.memory import Faults


@dataclass(frozen=True)
class Scenario:
    """Chances are 0 to 1, times virtual seconds.

    ``loss``, ``duplication``, ``reordering`` of each message, each ``delay`` long (shortest, longest).
    A device leaves with chance ``churn`` in a minute and is back after ``away`` on average; it resets
    with chance ``resets`` at each message. The share ``stragglers`` takes ``slowness`` times ``compute``
    for a task. The share ``liars`` sends ``lie`` times its update.
    """

    devices: int = 100
    seed: int = 0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    delay: tuple[float, float] = (0.01, 0.1)
    churn: float = 0.0
    away: float = 30.0
    resets: float = 0.0
    compute: float = 1.0
    stragglers: float = 0.0
    slowness: float = 20.0
    liars: float = 0.0
    lie: float = 1000.0

    def __post_init__(self) -> None:
        """Raises UsageError for what makes no sense."""
        chances = ("loss", "duplication", "reordering", "churn", "resets", "stragglers", "liars")
        for name in chances:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"simulation: {name} lies between 0 and 1")
        if self.devices < 1 or self.away <= 0 or self.compute < 0 or self.slowness < 1:
            raise UsageError(
                "simulation: devices from 1, away above 0, compute from 0, slowness from 1"
            )

    def faults(self) -> Faults:
        """What the network does."""
        return Faults(self.loss, self.duplication, self.reordering, self.delay)
