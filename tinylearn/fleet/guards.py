"""What every update must pass before a strategy sees it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.fleet.messages import Encoding
from tinylearn.fleet.updates import Floats, decode

#: a norm is judged against at least so many earlier ones
_ENOUGH = 5
#: and within a round against at least so many others
_ENOUGH_IN_ROUND = 3
#: so many of the last norms are looked at
WINDOW = 32


def checked(
    encoding: Encoding, stream: bytes, crc: int, base: Floats, norms: Sequence[float], factor: float
) -> tuple[Floats, float]:
    """The delta float32 [n] of an update and its norm.

    ``norms``: of updates accepted lately. Raises BadInputError where the CRC, the size or a value
    is wrong, or where it is more than ``factor`` times as large as their median; before there are
    enough of them, or where most of them have moved nothing, as the weights themselves.
    """
    if zlib.crc32(stream) != crc:
        raise BadInputError("its CRC is wrong")
    delta = decode(encoding, stream, base)
    norm = norm_of(delta)
    if not np.isfinite(norm):
        raise BadInputError("it is not finite")
    usual = median(norms) if len(norms) >= _ENOUGH else 0.0
    if norm > factor * (usual or 1.0 + norm_of(base)):
        raise BadInputError(f"its norm {norm:.3g} is more than {factor:g} times the usual")
    return delta, norm


def norm_of(values: Floats) -> float:
    """Euclidean, summed in float64."""
    wide = values.astype(np.float64)
    return float(np.sqrt(np.dot(wide, wide)))


def outliers(norms: Mapping[str, float], factor: float) -> list[str]:
    """Devices of one round whose update is more than ``factor`` times as large as the median. A median
    of 0 tells nothing of how large an update is."""
    if len(norms) < _ENOUGH_IN_ROUND:
        return []
    usual = median(norms.values())
    return sorted(name for name, norm in norms.items() if norm > factor * usual > 0)
