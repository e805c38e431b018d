"""What every update must pass before a strategy sees it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from statistics import median

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.fleet.messages import Encoding
from tinylearn.fleet.updates import Floats, decode

#: a norm is judged against at least so many earlier ones
_ENOUGH = 5
#: so many of the last norms are looked at
WINDOW = 32


def checked(
    encoding: Encoding, stream: bytes, crc: int, base: Floats, norms: Sequence[float], factor: float
) -> tuple[Floats, float]:
    """The delta float32 [n] of an update and its norm.

    ``norms``: of updates accepted lately. Raises BadInputError where the CRC, the size or a value
    is wrong, or where it is more than ``factor`` times as large as their median.
    """
    if zlib.crc32(stream) != crc:
        raise BadInputError("its CRC is wrong")
    delta = decode(encoding, stream, base)
    norm = float(np.sqrt(np.dot(delta.astype(np.float64), delta.astype(np.float64))))
    if not np.isfinite(norm):
        raise BadInputError("it is not finite")
    if len(norms) >= _ENOUGH and norm > factor * median(norms):
        raise BadInputError(f"its norm {norm:.3g} is more than {factor:g} times the usual")
    return delta, norm
