"""Many things a few at a time, so that few bytes of them are in memory, however large they are."""

from __future__ import annotations

from collections.abc import Sequence

_FIRST = 4
_BYTES = 2**19


class Steps:
    """Walks ``identifiers``: ``most`` at a time, fewer where those of the last step were large."""

    def __init__(self, identifiers: Sequence[str], most: int) -> None:
        self._identifiers = identifiers
        self._most = most
        self._at = 0
        self._count = _FIRST

    def __bool__(self) -> bool:
        """Whether there are more."""
        return self._at < len(self._identifiers)

    def take(self) -> Sequence[str]:
        """The next ones."""
        some = self._identifiers[self._at : self._at + self._count]
        self._at += len(some)
        return some

    def took(self, size: int) -> None:
        """How many bytes they were: at most twice as many things are next, some 500 kB if they are
        as large."""
        each = max(1, size // self._count)
        self._count = max(1, min(2 * self._count, self._most, _BYTES // each))
