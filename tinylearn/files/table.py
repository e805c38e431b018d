"""Tables of numbers as text: .csv files, one sample a line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinylearn.errors import BadInputError


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty; a first line without any number is a
    header and left out. Raises BadInputError where the file is no text or no table."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            filled = ((reader.line_num, [cell.strip() for cell in row]) for row in reader if row)
            for i, (line, cells) in enumerate(filled):
                if i > 0 or any(map(is_number, cells)):
                    yield line, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"cannot be read as .csv: {error}") from None


def is_number(text: str) -> bool:
    """Whether a cell holds a number; NaN and infinity are some."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(line: int, cells: Sequence[str], hint: str = "") -> list[float]:
    """Cells as numbers; raises BadInputError that names the line, the cell and the hint."""
    bad = next((cell for cell in cells if not is_number(cell)), None)
    if bad is not None:
        raise BadInputError(f"line {line}: {bad[:40]!r} is not a number{hint}")
    return [float(cell) for cell in cells]
