"""Feeding a device a stream of samples, each tested before it is learnt, and keeping score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.client import Device
from tinylearn.device.messages import Capability, Info, Loss, Status, StepReport
from tinylearn.errors import UsageError
from tinylearn.ir.quant import Quant


@dataclass(frozen=True)
class Stream:
    """Samples in order: ``x`` float32 [n, ...]; ``labels`` int64 [n] or ``targets`` [n, m].

    ``name`` is what errors call it.
    """

    x: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    targets: NDArray[np.float32] | None = None
    name: str = "the stream"

    def __len__(self) -> int:
        return len(self.x)


def matched(stream: Stream, info: Info) -> Stream:
    """The stream as a device takes it: with class labels, or with a target vector a sample.

    Raises UsageError, before anything is learnt, where stream and model do not go together.
    """
    _check_model(stream, info)
    labels, targets = stream.labels, stream.targets
    if labels is not None and info.loss is Loss.MSE and info.outputs == 1:
        targets = labels.astype(np.float32).reshape(-1, 1)
        labels = None
    if targets is not None and targets[0].size != info.outputs:
        raise UsageError(
            f"{stream.name}: has {targets[0].size} target values a sample; model {info.name} "
            f"learns from class numbers 0, 1, 2, .. or from {info.outputs} values"
        )
    return replace(stream, labels=labels, targets=targets)


def in_codes(stream: Stream, described: Mapping[str, Any]) -> Stream:
    """The stream as an int8 or uint8 model takes it: real values divided by the input's scale,
    plus its zero point. ``described``: the input as the project's info file has it."""
    if described["dtype"] == "float32" or "scale" not in described:
        return stream
    quant = Quant((described["scale"],), (described["zero_point"],))
    codes = quant.codes(stream.x, described["dtype"])
    if np.isnan(codes).any():
        raise UsageError(f"{stream.name}: holds NaN or infinity, which no {described['dtype']} is")
    return replace(stream, x=codes.astype(np.float32))


def _check_model(stream: Stream, info: Info) -> None:
    if Capability.LEARN not in info.capabilities:
        raise UsageError(f"model {info.name}: does not learn; generate it with --learn or --head")
    width = stream.x[0].size
    if width != info.inputs:
        shape = "x".join(str(n) for n in stream.x.shape[1:])
        raise UsageError(
            f"{stream.name}: its samples have {width} values ({shape}), "
            f"model {info.name} takes {info.inputs}"
        )


@dataclass
class StreamReport:
    """What happened to each sample, in order.

    ``refused``: samples that are not finite, or whose loss is not. ``unknown_labels``: samples
    whose label has no output and could get none. Neither is learnt, and both count as misses.
    """

    losses: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)
    learned: int = 0
    refused: int = 0
    unknown_labels: int = 0
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
        self.refused += step.status is Status.REFUSED
        self.unknown_labels += step.status in (Status.FULL, Status.UNKNOWN_LABEL)
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
