"""Reads a stream from a file that nobody has vouched for."""

from __future__ import annotations

import csv
import zipfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.stream import Stream
from tinylearn.errors import BadInputError, TinylearnError

_LARGEST = 1 << 30
_LABELS = 1 << 32


def read_stream(path: Path) -> Stream:
    """A stream from .npz (x, and y as labels or targets) or .csv (the label last).

    Without y the samples are their own targets. Raises BadInputError for any other content.
    """
    try:
        if not path.is_file():
            raise BadInputError("there is no such file")
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"larger than {_LARGEST} bytes; split the stream")
        x, y = _read_csv(path) if path.suffix.lower() == ".csv" else _read_npz(path)
        return _stream(path.name, x, y)
    except TinylearnError as error:
        raise BadInputError(f"{path}: {error}") from None


def _read_npz(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST:
                raise BadInputError(f"unpacks to more than {_LARGEST} bytes; split the stream")
        with np.load(path, allow_pickle=False) as arrays:
            x = arrays["x"]
            return x, arrays["y"] if "y" in arrays.files else x
    except BadInputError:
        raise
    except KeyError:
        raise BadInputError("it must hold arrays x and, but for autoencoders, y") from None
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise anything
        raise BadInputError(f"cannot be read as .npz ({error})") from None


def _read_csv(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """A first line without any number is a header."""
    values, width = array("d"), 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, cells in enumerate(csv.reader(file), 1):
                if not cells or (line == 1 and not any(map(_is_number, cells))):
                    continue
                width = width or len(cells)
                values.extend(_numbers(line, cells, width))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"cannot be read as .csv ({error})") from None
    if width < 2:
        raise BadInputError("it must hold lines of numbers, the last one the label")
    table = np.frombuffer(values, np.float64).reshape(-1, width)
    return table[:, :-1], table[:, -1]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(line: int, cells: Sequence[str], width: int) -> list[float]:
    if len(cells) != width:
        raise BadInputError(f"line {line}: has {len(cells)} cells, the first one {width}")
    bad = next((cell for cell in cells if not _is_number(cell)), None)
    if bad is not None:
        raise BadInputError(
            f"line {line}: {bad[:40]!r} is not a number; labels are class numbers 0, 1, 2, .."
        )
    return [float(cell) for cell in cells]


def _stream(name: str, x: NDArray[Any], y: NDArray[Any]) -> Stream:
    if 0 in (x.ndim, y.ndim) or len(x) != len(y) or 0 in (x.size, y.size):
        raise BadInputError(
            f"x of shape {x.shape} and y of shape {y.shape} must be equally many samples, "
            "at least one"
        )
    if x.dtype.kind not in "fiub" or y.dtype.kind not in "fiub":
        raise BadInputError(f"x is {x.dtype} and y is {y.dtype}; both must be numbers")
    samples, one = _float32(x), y.reshape(len(y), -1)
    if one.shape[1] == 1 and y is not x and _are_labels(one):
        return Stream(samples, labels=one[:, 0].astype(np.int64), name=name)
    return Stream(samples, targets=_float32(one), name=name)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """What is too large becomes infinite, which the device refuses."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


def _are_labels(y: NDArray[Any]) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((y >= 0) & (y < _LABELS) & (np.mod(y, 1) == 0)).all())
