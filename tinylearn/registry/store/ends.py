"""Comments around an exported registry, by which a file that was cut off is told from a whole one: what is
left of N-Quads that were cut at a line's end is N-Quads.

People sort such files, append others and let editors end their lines; whatever was done to it, a whole
file has an end for each beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tinylearn.errors import BadInputError

#: the first and the last line; the first announces the last. Files of others have neither
BEGIN = b"# A registry of tinylearn. Its last line says that it is whole.\n"
END = b"# The registry ends here.\n"
_LINE_BYTES = 1 << 16


def check_end(path: Path) -> None:
    """Raises BadInputError for an export whose end is missing, OSError."""
    with path.open("rb") as file:
        first = file.read(len(BEGIN)).rstrip()
        if not first or not BEGIN.startswith(first):
            return
        file.seek(0)
        said = list(_said(file))
    if not said or said.count(BEGIN.rstrip()) > said.count(END.rstrip()):
        raise BadInputError(
            "is cut off: the line that ends an export is missing; export or copy it again"
        )


def _said(file: BinaryIO) -> Iterator[bytes]:
    """Lines that begin or end an export, without the line's end."""
    while line := file.readline(_LINE_BYTES):
        if line.startswith(b"# ") and line.rstrip() in (BEGIN.rstrip(), END.rstrip()):
            yield line.rstrip()
