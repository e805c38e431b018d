"""RocksDB's write-ahead log, as files in the store's folder.

A transaction is in the log when Oxigraph has committed it, but in the system's memory: it survives the
process, not a loss of power. Oxigraph's own ``flush`` writes tables instead (tens of milliseconds); syncing
the log's files is enough, as RocksDB reads them again on opening up to the last whole record
(``wal_recovery_mode`` 2, https://github.com/facebook/rocksdb/wiki/WAL-Recovery-Modes).
"""

from __future__ import annotations

import os
from pathlib import Path

# what Linux has, and others do not, syncs no times
_sync_file = getattr(os, "fdatasync", os.fsync)


class WriteAheadLog:
    """The log of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()

    def sync(self) -> None:
        """Puts the log on the disk; raises OSError."""
        names = set(self._names())
        for name in names:
            # one that is gone is in the tables, which RocksDB has synced
            _sync(self._folder / name, _sync_file)
        if not names <= self._known:
            sync_folder(self._folder)
        self._known = names

    def size(self) -> int:
        """Bytes that opening the store would read."""
        size = 0
        for name in self._names():
            try:
                size += os.stat(self._folder / name).st_size
            except FileNotFoundError:
                continue
        return size

    def _names(self) -> list[str]:
        return [name for name in os.listdir(self._folder) if name.endswith(".log")]


def sync_folder(folder: Path) -> None:
    """Puts the names of a folder's files on the disk."""
    _sync(folder, os.fsync)


def sync_files(folder: Path) -> None:
    """Puts a folder's files and their names on the disk."""
    for name in os.listdir(folder):
        _sync(folder / name, os.fsync)
    sync_folder(folder)


def _sync(path: Path, how: object) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        how(handle)  # type: ignore[operator]
    finally:
        os.close(handle)
