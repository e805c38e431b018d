"""Opens an embedded store for reading, also while another process writes to it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pyoxigraph import Store

from tinylearn.registry.store.errors import NO_ROOM, StoreError
from tinylearn.registry.store.folder import UNFINISHED, sweep

_PATIENCE_S = 10.0
_PAUSE_S = 0.01
#: files beside tables and logs that make a store
_COPIED = ("CURRENT", "MANIFEST-", "IDENTITY", "OPTIONS-")


T = TypeVar("T")


def open_snapshot(folder: Path, patience_s: float = _PATIENCE_S) -> Store:
    """All that was committed before the call, and nothing of what comes after it.

    A reader holds most files open; where one that it has not opened yet is gone later, a read fails
    with OSError or RuntimeError, and the store must be opened anew.
    """
    store = _undisturbed(folder, lambda: Store.read_only(str(folder)), patience_s)
    sweep(folder)
    return store


def copy_snapshot(folder: Path, target: Path, patience_s: float = _PATIENCE_S) -> None:
    """What ``open_snapshot`` would see as a store of its own, in ``target``, which is replaced. Tables,
    which never change, are hard links where they can be. Raises OSError where there is no room.

    Oxigraph's own backup of a store that is open for reading leaves the log out, and with it what was
    committed last.
    """

    def copy() -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in os.listdir(folder):
            if name.endswith(".sst") and not name.startswith(UNFINISHED):
                _link(folder / name, target / name)
            elif name.endswith(".log") or name.startswith(_COPIED):
                shutil.copyfile(folder / name, target / name)

    _undisturbed(folder, copy, patience_s)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _undisturbed(folder: Path, action: Callable[[], T], patience_s: float) -> T:
    """RocksDB reads its manifest, then the files that the manifest names; a writer may take them away
    in between, the log among them, silently. So the manifest must be the same afterwards, or it is
    done again. Files that nothing names any more go later than the manifest changes: whoever has
    listed them finds one missing though all is as before, and lists them again."""
    deadline = time.monotonic() + patience_s
    last = None
    while True:
        before, failure = _state(folder), "a writer changes it all the time"
        try:
            result = action()
            if before is not None and _state(folder) == before:
                return result
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise  # of the copy's disk
            failure = str(error)
        damaged = last == (before, failure) and _state(folder) == before
        if damaged or time.monotonic() > deadline:
            raise StoreError(f"{folder}: cannot be read ({failure})")
        last = before, failure
        time.sleep(_PAUSE_S)


def _state(folder: Path) -> tuple[str, int, tuple[str, ...]] | None:
    """The manifest and its length, which every change of the files' set makes grow, and the logs."""
    try:
        manifest = (folder / "CURRENT").read_text().strip()
        size = os.stat(folder / manifest).st_size
        names = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
    except OSError:
        return None
    return manifest, size, tuple(names)
