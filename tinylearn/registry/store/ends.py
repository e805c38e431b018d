"""Comments around an exported registry, by which a file that was cut off is told from a whole one: what is
left of N-Quads that were cut at a line's end is N-Quads."""

from __future__ import annotations

import os
from pathlib import Path

from tinylearn.errors import BadInputError

#: the first and the last line; the first announces the last. Files of others have neither
BEGIN = b"# A registry of tinylearn. Its last line says that it is whole.\n"
END = b"# The registry ends here.\n"


def check_end(path: Path) -> None:
    """Raises BadInputError for an export whose end is missing, OSError."""
    with path.open("rb") as file:
        if file.read(len(BEGIN)) != BEGIN:
            return
        file.seek(-min(len(END), os.fstat(file.fileno()).st_size), os.SEEK_END)
        if file.read() != END:
            raise BadInputError(
                "is cut off: the line that ends an export is missing; export or copy it again"
            )
