"""What can be wrong with a store."""

from __future__ import annotations

import errno
from pathlib import Path

from tinylearn.errors import TinylearnError

#: what the system says of a place to write to, never of one to read from
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class StoreError(TinylearnError):
    """A store cannot be opened, read or written; the message names it and says what to do."""


class StoreLockedError(StoreError):
    """Another process writes to the store."""


class AnswerTooLargeError(StoreError):
    """An endpoint's answer is larger than allowed."""


def unwritable(target: Path, error: OSError) -> StoreError:
    """That nothing can be written to ``target``, by its own name."""
    return StoreError(f"{target}: cannot be written ({error.strerror or error})")
