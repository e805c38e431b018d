"""Feeding a device a stream of samples, each tested before it is learnt, and keeping score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.client import Device
from tinylearn.device.messages import StepReport
from tinylearn.errors import BadInputError

_LARGEST = 1 << 30


@dataclass(frozen=True)
class Stream:
    """Samples in order: ``x`` float32 [n, ...]; ``labels`` int64 [n] or ``targets`` [n, m]."""

    x: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    targets: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.x)


def read_stream(path: Path) -> Stream:
    """A stream from .npz (x, and y as labels or targets) or .csv (last column: the label)."""
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"{path}: larger than {_LARGEST} bytes; split the stream")
        if path.suffix == ".csv":
            table = np.loadtxt(path, delimiter=",", skiprows=_header_lines(path), ndmin=2)
            return _stream(path, table[:, :-1], table[:, -1])
        with np.load(path, allow_pickle=False) as arrays:
            return _stream(path, arrays["x"], arrays["y"] if "y" in arrays.files else arrays["x"])
    except KeyError:
        raise BadInputError(f"{path}: it must hold arrays x and, but for autoencoders, y") from None
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read as a stream ({error})") from None


def _header_lines(path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline(65536).split(",")[0].strip().strip('"')
    try:
        float(first)
    except ValueError:
        return 1
    return 0


def _stream(path: Path, x: NDArray[np.generic], y: NDArray[np.generic]) -> Stream:
    if len(x) == 0 or len(x) != len(y) or x.dtype.kind not in "fiu" or y.dtype.kind not in "fiu":
        raise BadInputError(f"{path}: x and y must be numbers and equally many, at least one")
    samples = np.asarray(x, np.float32)
    whole = y.ndim == 1 and bool(np.all(np.mod(y, 1) == 0)) and float(np.min(y)) >= 0
    if whole:
        return Stream(samples, labels=y.astype(np.int64))
    return Stream(samples, targets=np.asarray(y, np.float32).reshape(len(y), -1))


@dataclass
class StreamReport:
    """What happened to each sample, in order."""

    losses: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    learned: int = 0
    refused: int = 0
    drifts: list[int] = field(default_factory=list)
    instructions: list[int] = field(default_factory=list)
    stack_bytes: int = 0

    def add(self, step: StepReport) -> None:
        """Takes one sample's report in."""
        if step.drift:
            self.drifts.append(len(self.losses))
        self.losses.append(step.loss)
        self.hits.append(step.hit)
        self.learned += step.learned
        self.refused += step.status == 1
        if step.learned:
            self.instructions.append(step.cost.instructions)
        self.stack_bytes = max(self.stack_bytes, step.cost.stack_bytes)

    def accuracy(self, first: int = 0, last: int | None = None) -> float:
        """Share of right predictions among samples first .. last."""
        part = self.hits[first:last]
        return sum(part) / len(part) if part else float("nan")

    def curve(self, window: int = 50) -> NDArray[np.float64]:
        """Accuracy over the last ``window`` samples, at each sample."""
        sums = np.concatenate([[0], np.cumsum(self.hits)])
        ends = np.arange(1, len(self.hits) + 1)
        starts = np.maximum(ends - window, 0)
        return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def steps(device: Device, stream: Stream) -> Iterator[StepReport]:
    """Sends the samples one by one; yields the device's report on each."""
    for i, x in enumerate(stream.x):
        if stream.labels is not None:
            yield device.learn(x, label=int(stream.labels[i]), measure=True)
        else:
            assert stream.targets is not None
            yield device.learn(x, target=stream.targets[i], measure=True)


def collect(reports: Iterable[StepReport]) -> StreamReport:
    """Adds all reports up."""
    total = StreamReport()
    for report in reports:
        total.add(report)
    return total
