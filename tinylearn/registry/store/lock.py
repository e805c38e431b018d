"""Who holds a store's lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinylearn.registry.store.errors import StoreLockedError

_LOCKS = Path("/proc/locks")


def is_locked(error: Exception) -> bool:
    """Whether RocksDB's error says that another has the store."""
    text = str(error)
    return "/LOCK:" in text and ("lock hold" in text or "While lock file" in text)


def locked(folder: Path) -> StoreLockedError:
    """The error that says who writes, and what to do."""
    process = _holder(folder)
    if process == os.getpid():
        return StoreLockedError(f"{folder}: this process has the registry open already; close it")
    who = f"process {process}" if process else "another process"
    return StoreLockedError(
        f"{folder}: {who} has this registry open for writing; end it, or use what it serves. "
        "Reading works beside it"
    )


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps every writer out, as RocksDB does; for a folder that this process has not opened."""
    with (folder / "LOCK").open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise locked(folder) from None
        yield


def _holder(folder: Path) -> int | None:
    """The process by what Linux tells. The lock's file is never opened: closing it again would take
    this process's own lock away (fcntl(2), F_SETLK)."""
    try:
        inode = os.stat(folder / "LOCK").st_ino
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return None
    for fields in map(str.split, lines):
        if len(fields) > 5 and fields[1] == "POSIX" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    return None
