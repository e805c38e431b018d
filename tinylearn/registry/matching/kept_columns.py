"""The devices' columns as a file in the store's folder, so that a cold start reads them in milliseconds
instead of scanning the store.

It holds for exactly one revision of the store, whose content never changes. A file that is missing, of
another revision, or damaged only costs the scan. A store behind an endpoint has no such file.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tinylearn.emit.write import write_file
from tinylearn.registry.matching.device_table import ROW, DeviceTable
from tinylearn.registry.store.base import GraphStore

NAME = "matching.npz"
#: of the file's format and of what the scan takes in
_VERSION = 1


def _path(store: GraphStore) -> Path | None:
    folder = getattr(store, "folder", None)
    return folder / NAME if isinstance(folder, Path) else None


def keep(store: GraphStore, table: DeviceTable, revision: int) -> None:
    """Writes the columns of all devices; nothing where the folder cannot be written to, as for a
    reader without the right to."""
    path = _path(store)
    if path is None or store.revision() != revision:
        return
    names = {"version": _VERSION, "revision": revision, "sensors": list(table.sensors),
             "cores": list(table.cores), "targets": list(table.targets)}  # fmt: skip
    iris = "\n".join(table.iris).encode()
    content = io.BytesIO()
    np.savez(content, rows=table.rows, masks=table.masks, iris=np.frombuffer(iris, np.uint8),
             names=np.frombuffer(json.dumps(names).encode(), np.uint8))  # fmt: skip
    try:
        write_file(path, content.getvalue())
    except OSError:
        return


def kept(store: GraphStore, sensors: frozenset[str], revision: int) -> DeviceTable | None:
    """The columns of that revision with a bit for each of ``sensors``; None where there are none."""
    path = _path(store)
    if path is None or not path.is_file():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            names = json.loads(file["names"].tobytes())
            if (names["version"], names["revision"]) != (_VERSION, revision):
                return None
            if not sensors <= set(names["sensors"]):
                return None
            return _table(names, file["iris"].tobytes().decode(), file["rows"], file["masks"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError,
            zipfile.BadZipFile, zlib.error):  # fmt: skip
        return None


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
