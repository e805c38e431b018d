"""Training data from .npz and .csv files, checked before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinylearn.errors import BadInputError, UsageError
from tinylearn.files import npz, table
from tinylearn.ir.graph import Array

_LARGEST = 1 << 34
_ARRAYS = ("x", "y", "x_test", "y_test")


@dataclass(frozen=True)
class Samples:
    """Inputs x float32 [n, ...] and, where there are labels, y int32 [n]."""

    x: Array
    y: Array | None

    def __len__(self) -> int:
        return len(self.x)

    def labels(self) -> Array:
        """The labels; raises BadInputError where there are none."""
        if self.y is None:
            raise BadInputError("the data has no labels y; only an autoencoder learns without")
        return self.y

    def take(self, indices: Array) -> Samples:
        """Some of the samples."""
        return Samples(self.x[indices], None if self.y is None else self.y[indices])


@dataclass(frozen=True)
class Data:
    """Samples to train on, samples to test on if the file has some, and the classes' names."""

    train: Samples
    test: Samples | None
    classes: tuple[str, ...]


def load(path: Path) -> Data:
    """Reads a data file. Errors name the file, the array or line, and what is wrong.

    .npz: x [n, ...], y [n] with classes 0, 1, ... (optional for an autoencoder), and
    optionally x_test, y_test. .csv: one sample a line, the label (any text) last; a first
    line without numbers is taken for a header.
    """
    readers = {".npz": _load_npz, ".csv": _load_csv}
    if path.suffix.lower() not in readers:
        raise UsageError(f"{path.name}: data must be a .npz or .csv file")
    if not path.is_file():
        raise BadInputError(f"{path.name}: there is no such data file")
    try:
        return readers[path.suffix.lower()](path)
    except BadInputError as error:
        raise BadInputError(f"{path.name}: {error}") from None


def split(samples: Samples, fraction: float, seed: int) -> tuple[Samples, Samples | None]:
    """Shuffles and sets a fraction apart; of each class alike, where there are labels."""
    order = np.random.default_rng(seed).permutation(len(samples))
    if samples.y is not None:
        order = _spread(order, samples.y[order])
    count = round(fraction * len(samples))
    if count in (0, len(samples)):
        return samples.take(order), None
    apart = np.linspace(0, len(order) - 1, count).round().astype(int)
    rest = np.setdiff1d(np.arange(len(order)), apart)
    shuffled = np.random.default_rng(seed).permutation(order[rest])
    return samples.take(shuffled), samples.take(order[apart])


def _spread(order: Array, labels: Array) -> Array:
    """The order with classes one after the other, so that even steps take from each."""
    spread: Array = order[np.argsort(labels, kind="stable")]
    return spread


def _load_npz(path: Path) -> Data:
    arrays = npz.read(path, _ARRAYS, _LARGEST)
    train = _samples(arrays, "x", "y")
    test = _samples(arrays, "x_test", "y_test") if "x_test" in arrays else None
    _check_test(train, test)
    return Data(train, test, _class_names(train, test))


def _samples(arrays: dict[str, Array], x_name: str, y_name: str) -> Samples:
    if x_name not in arrays:
        raise BadInputError(f"has no array {x_name!r}")
    x = _inputs(arrays[x_name], x_name)
    if y_name not in arrays:
        return Samples(x, None)
    return Samples(x, _labels(arrays[y_name], y_name, len(x)))


def _inputs(x: Array, name: str) -> Array:
    if x.dtype.kind not in "fiub" or x.ndim < 2 or x.size == 0:
        raise BadInputError(
            f"array {name!r} is {x.dtype} of shape {x.shape}; "
            "numbers of shape (samples, ...) are needed"
        )
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(x, dtype=np.float32)
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if bad.any():
        raise BadInputError(
            f"array {name!r} holds NaN or infinity in {bad.sum()} samples, "
            f"the first at index {bad.argmax()}"
        )
    return values


def _labels(y: Array, name: str, samples: int) -> Array:
    """Class numbers; (n, 1) is taken for (n,)."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (samples,):
        raise BadInputError(
            f"array {name!r} has shape {y.shape}; one class number for each of "
            f"{samples} samples is needed (of one-hot labels, the argmax)"
        )
    whole = y.dtype.kind in "iub" or (y.dtype.kind == "f" and bool((y == np.floor(y)).all()))
    if not whole or (y < 0).any() or (y >= 1 << 31).any():
        raise BadInputError(f"array {name!r} must hold class numbers 0, 1, 2, ...")
    return y.astype(np.int32)


def _check_test(train: Samples, test: Samples | None) -> None:
    if test is None:
        return
    if test.x.shape[1:] != train.x.shape[1:]:
        raise BadInputError(
            f"samples of 'x_test' have shape {test.x.shape[1:]}, of 'x' {train.x.shape[1:]}"
        )
    if (test.y is None) != (train.y is None):
        raise BadInputError("must have both 'y' and 'y_test', or neither")


def _class_names(train: Samples, test: Samples | None) -> tuple[str, ...]:
    """0, 1, ...: each must occur in the training data."""
    if train.y is None:
        return ()
    found = np.unique(train.y)
    missing = np.setdiff1d(np.arange(min(int(found[-1]), len(found)) + 1), found)
    if len(missing):
        raise BadInputError(f"no sample of class {missing[0]}; number the classes 0, 1, 2, ...")
    if test is not None and test.y is not None and test.y.max() > found[-1]:
        raise BadInputError(f"'y_test' has class {test.y.max()}, which 'y' has not")
    return tuple(str(i) for i in found)


def _load_csv(path: Path) -> Data:
    rows = list(table.rows(path))
    if not rows:
        raise BadInputError("has no samples")
    _check_widths(rows)
    names = sorted({row[-1] for _, row in rows}, key=_natural)
    number = {name: i for i, name in enumerate(names)}
    x = _inputs(np.array([_numbers(line, row) for line, row in rows]), "x")
    y = np.array([number[row[-1]] for _, row in rows], dtype=np.int32)
    return Data(Samples(x, y), None, tuple(names))


def _natural(name: str) -> tuple[int, float, str]:
    """Sorts numbers by value, before other labels."""
    return (0, float(name), name) if table.is_number(name) else (1, 0.0, name)


def _check_widths(rows: Sequence[tuple[int, list[str]]]) -> None:
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width or not row[-1]:
            raise BadInputError(
                f"line {line}: has {len(row)} cells with the label; {width} are needed, none empty"
            )


def _numbers(line: int, row: Sequence[str]) -> list[float]:
    values = table.numbers(line, row[:-1])
    if not values or not np.isfinite(np.array(values, dtype=np.float64)).all():
        raise BadInputError(f"line {line}: needs finite numbers, then a label")
    return values
