"""Samples as the elements that a device takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinylearn.errors import UsageError


def exact(values: ArrayLike, dtype: str, name: str) -> NDArray[Any]:
    """Contiguous values of a NumPy type; raises UsageError for what integers cannot hold."""
    array, wanted = np.asarray(values), np.dtype(dtype)
    if wanted.kind == "f":
        return np.ascontiguousarray(array, wanted)
    limits = np.iinfo(wanted)
    with np.errstate(invalid="ignore"):
        whole = bool(np.all((array >= limits.min) & (array <= limits.max) & (array % 1 == 0)))
    if not whole:
        raise UsageError(f"{name}: takes {wanted.name} values, whole and within its range")
    return np.ascontiguousarray(array, wanted)
