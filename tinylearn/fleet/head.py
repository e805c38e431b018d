"""The newest version of the weights."""

from __future__ import annotations

import numpy as np

from tinylearn.fleet.records import AddVersion, Version
from tinylearn.fleet.summed import Summed
from tinylearn.fleet.updates import Floats


class Head:
    """``data``: the exchanged bytes of ``version``, ``weights`` the same as float32."""

    def __init__(self, version: Version) -> None:
        self._take(version)

    def _take(self, version: Version) -> None:
        assert version.weights is not None
        self.version, self.data = version, version.weights
        self.weights: Floats = np.frombuffer(self.data, "<f4")

    def advance(self, data: bytes, round_: int, reports: int, note: str = "") -> AddVersion:
        """Makes new weights the newest version."""
        parent, summed = self.version.number, Summed(data)
        self._take(Version(parent + 1, parent, round_, summed.crc, reports, summed, note))
        return AddVersion(self.version)
