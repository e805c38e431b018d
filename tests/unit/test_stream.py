"""Streams: which go with which model, and how the score is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinylearn.device.messages import (
    Capability,
    Cost,
    Event,
    Info,
    Loss,
    Status,
    StepReport,
)
from tinylearn.device.stream import Stream, StreamReport, collect, matched, steps
from tinylearn.device.stream_file import read_stream
from tinylearn.errors import UsageError

X = np.zeros((6, 2, 2), np.float32)
LABELS = np.arange(6)


def info(
    loss: Loss = Loss.CATEGORICAL, outputs: int = 3, can: Capability = Capability.LEARN
) -> Info:
    return Info(1, loss, 0, 256, can, 4, outputs, 8, 100, 500, 1, outputs, bytes(16), "net")


@pytest.mark.parametrize("loss", [Loss.CATEGORICAL, Loss.BINARY, Loss.MSE])
def test_labels_stay_labels_where_there_are_several_outputs(loss: Loss) -> None:
    found = matched(Stream(X, labels=LABELS), info(loss))
    assert found.labels is LABELS and found.targets is None


def test_labels_stay_labels_of_a_binary_output() -> None:
    assert matched(Stream(X, labels=LABELS), info(Loss.BINARY, 1)).labels is LABELS


def test_labels_are_targets_of_a_single_number() -> None:
    found = matched(Stream(X, labels=LABELS, name="s"), info(Loss.MSE, 1))
    assert found.labels is None and found.name == "s" and len(found) == 6
    assert found.targets.dtype == np.float32
    np.testing.assert_array_equal(found.targets, LABELS[:, None])


def test_targets_need_the_models_width() -> None:
    targets = np.zeros((6, 3), np.float32)
    assert matched(Stream(X, targets=targets), info()).targets is targets
    with pytest.raises(UsageError, match=r"s\.npz: has 3 target values .* net .* from 2 values"):
        matched(Stream(X, targets=targets, name="s.npz"), info(outputs=2))


def test_samples_need_the_models_width() -> None:
    with pytest.raises(UsageError, match=r"the stream: .* 6 values \(2x3\), model net takes 4"):
        matched(Stream(np.zeros((6, 2, 3), np.float32), labels=LABELS), info())


def test_the_model_must_learn() -> None:
    with pytest.raises(UsageError, match="model net: does not learn"):
        matched(Stream(X, labels=LABELS), info(can=Capability.STORE))


def test_samples_without_y_are_targets_even_where_they_look_like_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=LABELS[:, None])
    found = read_stream(tmp_path / "s.npz")
    assert found.labels is None and found.name == "s.npz"
    np.testing.assert_array_equal(found.targets, LABELS[:, None])


def test_y_in_one_column_is_taken_for_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", x=X, y=LABELS[:, None].astype(bool))
    found = read_stream(tmp_path / "s.npz")
    assert found.targets is None and found.labels.dtype == np.int64
    assert list(found.labels) == [0, 1, 1, 1, 1, 1] and found.x.shape == X.shape


class Recorder:
    """A device that keeps what it is given."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []

    def learn(self, x, *, label=None, target=None, measure=False):
        self.seen.append((x, label, target, measure))
        return step()


def step(
    status: Status = Status.OK, events: Event = Event.NONE, loss: float = 1.0, cost: int = 0
) -> StepReport:
    return StepReport(status, events, 0, 0, loss, Cost(cost, 10 * cost))


def test_samples_are_sent_one_by_one_when_asked_for() -> None:
    device = Recorder()
    sent: Iterator[StepReport] = steps(device, Stream(X + LABELS[:, None, None], labels=LABELS))
    assert device.seen == []
    next(sent)
    assert len(device.seen) == 1
    assert len(list(sent)) == 5
    assert [(float(x[0, 0]), label, target) for x, label, target, _ in device.seen] == [
        (float(i), i, None) for i in range(6)
    ]
    assert all(type(label) is int and measure for _, label, _, measure in device.seen)


def test_targets_are_sent_row_by_row() -> None:
    device = Recorder()
    targets = np.arange(12, dtype=np.float32).reshape(6, 2)
    list(steps(device, Stream(X, targets=targets)))
    assert [tuple(target) for _, _, target, _ in device.seen] == [tuple(row) for row in targets]


def test_the_score_counts_each_fate() -> None:
    report = collect(
        [
            step(events=Event.LEARNED | Event.HIT, loss=0.5, cost=30),
            step(Status.REFUSED, loss=float("nan"), cost=99),
            step(events=Event.LEARNED | Event.DRIFT, loss=2.0, cost=10),
            step(Status.FULL),
            step(Status.UNKNOWN_LABEL),
            step(events=Event.HIT),
        ]
    )
    assert (report.learned, report.refused, report.unknown_labels) == (2, 1, 2)
    assert report.drifts == [2] and report.instructions == [30, 10]
    assert report.stack_bytes == 990, "a refused sample uses the stack too"
    assert report.losses[0] == 0.5 and np.isnan(report.losses[1]) and len(report.losses) == 6
    assert report.hits == [True, False, False, False, False, True]
    assert report.accuracy() == pytest.approx(2 / 6)


def test_accuracy_of_a_part() -> None:
    report = StreamReport(hits=[True, True, False, False])
    assert (report.accuracy(0, 2), report.accuracy(-2), report.accuracy(1, 3)) == (1.0, 0.0, 0.5)
    assert np.isnan(report.accuracy(2, 2)) and np.isnan(StreamReport().accuracy())


def test_the_curve_is_the_accuracy_over_a_window() -> None:
    random = np.random.default_rng(0)
    hits = [bool(hit) for hit in random.integers(0, 2, 30)]
    curve = StreamReport(hits=hits).curve(window=7)
    wanted = [np.mean(hits[max(0, i - 6) : i + 1]) for i in range(30)]
    np.testing.assert_allclose(curve, wanted)
    assert StreamReport().curve().shape == (0,)
