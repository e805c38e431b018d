"""How a coordinator runs its rounds; every bound in one place."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.errors import UsageError

#: seconds; in milliseconds it must fit 32 bits
_LONGEST = 4e6


@dataclass(frozen=True)
class Config:
    """Rounds are counted, times are seconds of a clock that never jumps.

    ``rounds``: after so many the run is done. ``concurrency``: rounds open at once; above 1 updates
    meet a newer version than they started from (asynchronous), at most ``most_staleness`` newer.
    ``least_share``: of the devices asked must report, or the round is void. ``least_devices``: must be
    there before a round is opened, 0: as many as the strategy asks; a round may ask fewer than that.
    ``tags``, ``least_ram``: of a device that is asked.
    ``norm_factor``: an update larger than so many times the median of the last ones is refused.
    ``most_strikes``: after so many bad updates a device is left out for ``isolation_rounds``, twice as
    long each time; the same after ``most_births`` starts within ``birth_window``. While no other device is
    there each ``deadline`` counts as a round of that.
    """

    rounds: int = 100
    concurrency: int = 1
    deadline: float = 60.0
    retry: float = 2.0
    most_retry: float = 30.0
    least_share: float = 0.5
    least_devices: int = 0
    least_ram: int = 0
    tags: tuple[str, ...] = ()
    most_staleness: int = 20
    norm_factor: float = 10.0
    most_strikes: int = 3
    isolation_rounds: int = 20
    most_births: int = 5
    birth_window: float = 60.0

    def __post_init__(self) -> None:
        """Raises UsageError for what makes no sense."""
        positive = ("rounds", "concurrency", "deadline", "retry", "most_retry", "norm_factor",
                    "most_strikes", "isolation_rounds", "most_births", "birth_window")  # fmt: skip
        for name in positive:
            if not getattr(self, name) > 0:
                raise UsageError(f"fleet: {name} must be above 0, is {getattr(self, name)}")
        if self.least_devices < 0:
            raise UsageError(f"fleet: least_devices is {self.least_devices}")
        if self.deadline > _LONGEST:
            raise UsageError(f"fleet: deadline is at most {_LONGEST:g} s, is {self.deadline}")
        if not 0 < self.least_share <= 1:
            raise UsageError(f"fleet: least_share lies between 0 and 1, is {self.least_share}")
