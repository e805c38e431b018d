"""The devices' columns as a file in the store's folder, so that a cold start reads them in milliseconds
instead of scanning the store.

It holds for exactly one revision of the store, whose content never changes; the store tells what has changed
since. A file that is missing or damaged only costs the scan. A store behind an endpoint has no such file.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinylearn.emit.write import write_file
from tinylearn.registry.matching.device_table import ROW, DeviceTable
from tinylearn.registry.store.base import GraphStore
from tinylearn.registry.store.change_log import ChangeLog
from tinylearn.registry.store.folder import folder_of

NAME = "matching.npz"
#: of the file's format and of what the scan takes in
_VERSION = 2


@dataclass(frozen=True)
class Kept:
    """The columns as they were at a revision."""

    table: DeviceTable
    revision: int


def keep(store: GraphStore, table: DeviceTable, revision: int) -> None:
    """Writes the columns of all devices; nothing where the folder cannot be written to, as for a
    reader without the right to."""
    folder = folder_of(store)
    if folder is None or store.revision() != revision:
        return
    names = {"version": _VERSION, "revision": revision, "sensors": list(table.sensors),
             "cores": list(table.cores), "targets": list(table.targets)}  # fmt: skip
    iris = "\n".join(table.iris).encode()
    content = io.BytesIO()
    np.savez(content, rows=table.rows, masks=table.masks, iris=np.frombuffer(iris, np.uint8),
             names=np.frombuffer(json.dumps(names).encode(), np.uint8))  # fmt: skip
    try:
        write_file(folder / NAME, content.getvalue())
    except OSError:
        return


def kept(store: GraphStore) -> Kept | None:
    """What was kept last; None where there is nothing that can be read."""
    folder = folder_of(store)
    if folder is None or not (folder / NAME).is_file():
        return None
    try:
        with (folder / NAME).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            names = json.loads(file["names"].tobytes())
            if names["version"] != _VERSION:
                return None
            iris = file["iris"].tobytes().decode()
            return Kept(_table(names, iris, file["rows"], file["masks"]), int(names["revision"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError,
            zipfile.BadZipFile, zlib.error):  # fmt: skip
        return None


def changed_since(store: GraphStore, before: int, revision: int) -> frozenset[str] | None:
    """IRIs of what has changed from one revision to a later one; None where that is not known."""
    folder = folder_of(store)
    return None if folder is None else ChangeLog(folder).since(before, revision)


def _table(names: dict[str, list[str]], iris: str, rows: Any, masks: Any) -> DeviceTable:
    """Raises ValueError where the parts do not go together."""
    table = DeviceTable(names["sensors"])
    for name in names["cores"]:
        table.cores.add(name)
    for name in names["targets"]:
        table.targets.add(name)
    listed = iris.split("\n") if iris else []
    shape = (len(listed), table.sensors.words)
    if rows.dtype != ROW or rows.shape != shape[:1] or masks.shape != shape:
        raise ValueError("columns of different lengths")
    if any(
        (rows[n] >= len(t)).any() for n, t in (("core", table.cores), ("target", table.targets))
    ):
        raise ValueError("numbers without names")
    table.fill(listed, rows, masks.astype(np.uint64))
    return table
