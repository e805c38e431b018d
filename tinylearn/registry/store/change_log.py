"""Which graphs each transaction has changed, as a file in the store's folder, so that what was worked out
from an older revision can be brought up to date without reading everything again.

It may have gaps but tells nothing wrong. A transaction's line is written before it is committed, and a
file with a line that no transaction stands behind is removed before another one can get that number. A line that
power or a full disk has cut fails its checksum; a revision without line (a bulk load, a restored copy, a
version of tinylearn that wrote none) is not known. Losing the file only costs time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from pyoxigraph import NamedNode

from tinylearn.registry.store.write_ahead_log import sync_folder

NAME = "changes.txt"
#: some 20,000 changes, more than anybody reads one by one
_MOST_BYTES = 1 << 20


class ChangeLog:
    """Of one folder. One process writes, others read beside it what they see in a snapshot."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME

    def begin(self, revision: int) -> None:
        """For whoever has the lock: what a writer that was killed has not committed is forgotten. Raises
        OSError where it cannot be."""
        try:
            is_true = all(number <= revision for number, _ in self._lines())
        except OSError:
            is_true = False
        if not is_true:
            self.forget()

    def add(self, revision: int, names: Iterable[NamedNode]) -> None:
        """Before a transaction that leads to ``revision`` is committed. Raises OSError where a line that
        was not written would leave an older one to be believed."""
        text = " ".join((str(revision), *(name.value for name in names)))
        line = f"\n{crc32(text.encode()):08x} {text}\n".encode()
        try:
            self._append(line)
        except OSError:
            self.forget()

    def forget(self) -> None:
        """All of it, also after a loss of power; raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)
            sync_folder(self._folder)

    def since(self, before: int, revision: int) -> frozenset[str] | None:
        """IRIs of all graphs that changed after ``before`` and up to ``revision``, which a snapshot has
        shown already; None where that is not known."""
        if before == revision:
            return frozenset()
        try:
            told = [line for line in self._lines() if before < line[0] <= revision]
        except OSError:
            return None
        if len({number for number, _ in told}) != revision - before:
            return None
        return frozenset(name for _, names in told for name in names)

    def _append(self, line: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.fstat(handle).st_size + len(line) > _MOST_BYTES:
                self.forget()
            elif os.write(handle, line) != len(line):
                raise OSError("the disk is full")
        finally:
            os.close(handle)

    def _lines(self) -> list[tuple[int, list[str]]]:
        """Those that are whole; raises OSError."""
        try:
            with self._path.open("rb") as file:
                lines = file.read(_MOST_BYTES + 1).split(b"\n")
        except FileNotFoundError:
            return []
        return [read for line in lines if line for read in _read(line)]


def _read(line: bytes) -> list[tuple[int, list[str]]]:
    """The revision and what it changed; nothing where the line is damaged."""
    sum_, _, text = line.partition(b" ")
    if sum_ != f"{crc32(text):08x}".encode():
        return []
    number, *names = text.decode().split(" ")
    return [(int(number), names)]
