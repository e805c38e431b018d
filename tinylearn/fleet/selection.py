"""Who is asked: drawn by the run's seed and the round's number alone, so that a coordinator that
starts again draws the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b


def draw(
    names: Sequence[str], count: int, seed: int, round_: int, free: Callable[[str], bool]
) -> list[str]:
    """Up to ``count`` of the sorted ``names`` that are ``free``."""
    chosen: list[str] = []
    for name in _shuffled(names, seed, round_):
        if len(chosen) == count:
            break
        if free(name):
            chosen.append(name)
    return chosen


def _shuffled(names: Sequence[str], seed: int, round_: int) -> Iterator[str]:
    """A permutation that costs only as much as is taken of it (Fisher-Yates on demand)."""
    moved: dict[int, int] = {}
    for i in range(len(names)):
        digest = blake2b(f"{seed}/{round_}/{i}".encode(), digest_size=8).digest()
        j = i + int.from_bytes(digest, "little") % (len(names) - i)
        yield names[moved.get(j, j)]
        moved[j] = moved.get(i, i)


def share_of(name: str, salt: str) -> float:
    """A device's fixed place between 0 and 1, for staged rollouts and shards."""
    digest = blake2b(f"{salt}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
