"""Reads a stream from a file that nobody has vouched for."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.stream import Stream
from tinylearn.errors import BadInputError, TinylearnError
from tinylearn.files import npz, table

_LARGEST = 1 << 30
_LABELS = 1 << 32
_CLASSES = "; labels are class numbers 0, 1, 2, .."


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
    arrays = npz.read(path, ("x", "y"), _LARGEST)
    if "x" not in arrays:
        raise BadInputError("it must hold arrays x and, but for autoencoders, y")
    return arrays["x"], arrays.get("y", arrays["x"])


def _read_csv(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    values, width = array("d"), 0
    for line, cells in table.rows(path):
        width = width or len(cells)
        if len(cells) != width:
            raise BadInputError(f"line {line}: has {len(cells)} cells, the first one {width}")
        values.extend(table.numbers(line, cells, _CLASSES))
    if width < 2:
        raise BadInputError("it must hold lines of numbers, the last one the label")
    samples = np.frombuffer(values, np.float64).reshape(-1, width)
    return samples[:, :-1], samples[:, -1]


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
