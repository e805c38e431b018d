"""Several coordinators share a fleet: each looks after the devices of its part."""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.fleet.selection import share_of


@dataclass(frozen=True)
class Shard:
    """Which devices a coordinator looks after: those of one of ``count`` parts."""

    number: int = 0
    count: int = 1

    def has(self, device: str) -> bool:
        """Whether a device is in this part."""
        return shard_of(device, self.count) == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_of(device: str, count: int) -> int:
    """The part that a device is in, by its name alone."""
    return int(share_of(device, "shard") * count)
