"""What a store's folder may be."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.errors import StoreError
from tinylearn.registry.store.write_ahead_log import sync_folder

#: what RocksDB has written when it was killed before its first file CURRENT
_BEGUN = re.compile(
    r"LOCK|LOG(\.old\.\d+)?|IDENTITY|MANIFEST-\d+|OPTIONS-\d+(\.dbtmp)?|\d+\.(log|sst|dbtmp)"
)
#: what RocksDB told at earlier openings, of which it would keep a thousand; tables of bulk loads that were
#: killed before they were taken in
_OLD_MESSAGES, UNFINISHED = "LOG.old.", "bulk-"


def folder_of(store: GraphStore) -> Path | None:
    """Where a store is; None where it is behind an endpoint."""
    folder = getattr(store, "folder", None)
    return folder if isinstance(folder, Path) else None


def is_store(folder: Path) -> bool:
    """Whether there is one."""
    return (folder / "CURRENT").is_file()


def check_folder(folder: Path) -> None:
    """Raises StoreError where there is something else than a store."""
    if is_store(folder) or not folder.exists():
        return
    if not folder.is_dir():
        raise StoreError(f"{folder}: is a file; a registry is a folder")
    foreign = sorted(p.name for p in folder.iterdir() if not _BEGUN.fullmatch(p.name))
    if foreign:
        raise StoreError(
            f"{folder}: is no registry and holds other files ({foreign[0]} ..); name another folder"
        )


def check_store(folder: Path) -> None:
    """Raises StoreError where no store is."""
    check_folder(folder)
    if not is_store(folder):
        raise StoreError(f"{folder}: no registry is there; make one by importing something into it")


def make_folder(folder: Path) -> None:
    """Makes the folder of a store that is to be; raises StoreError where something else is."""
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sync_folder(folder.absolute().parent)


def sweep(folder: Path, unfinished: bool = False) -> None:
    """Removes files that nobody reads; ``unfinished``: also of bulk loads, for whoever has the lock."""
    old = (_OLD_MESSAGES, UNFINISHED) if unfinished else (_OLD_MESSAGES,)
    for name in os.listdir(folder):
        if name.startswith(old):
            with suppress(OSError):  # not ours, or another opener was quicker
                os.unlink(folder / name)
