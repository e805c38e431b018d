"""How good weights are on samples that no device has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinylearn.device.stream import Stream
from tinylearn.device.twin import TwinLibrary
from tinylearn.fleet.partition import Indices


@dataclass(frozen=True)
class Judge:
    """``which`` of the stream's samples."""

    library: TwinLibrary
    stream: Stream
    which: Indices

    def accuracy(self, weights: bytes) -> float:
        """Share of right labels; NaN where there are no labels, or no samples."""
        labels = self.stream.labels
        if labels is None or not len(self.which):
            return float("nan")
        y = self._predicted(weights)
        decided = y[:, 0] > 0.5 if y.shape[1] == 1 else y.argmax(axis=1)
        return float(np.mean(decided == labels[self.which]))

    def _predicted(self, weights: bytes) -> np.ndarray:
        twin = self.library.open()
        try:
            twin.write_weights(weights)
            return np.asarray(twin.predict(self.stream.x[self.which]))
        finally:
            twin.close()
