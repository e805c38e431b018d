"""What can be wrong with a store."""

from __future__ import annotations

from tinylearn.errors import TinylearnError


class StoreError(TinylearnError):
    """A store cannot be opened, read or written; the message names it and says what to do."""


class StoreLockedError(StoreError):
    """Another process writes to the store."""


class AnswerTooLargeError(StoreError):
    """An endpoint's answer is larger than allowed."""
