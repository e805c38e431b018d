"""Who has which samples: owners, equal parts, skewed labels, and what is drawn for a task."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylearn.device.stream import Stream
from tinylearn.errors import UsageError
from tinylearn.fleet.partition import partitioned, skewed, source_of


def stream(n: int = 600, classes: int = 5) -> Stream:
    labels = np.random.default_rng(0).integers(0, classes, n)
    return Stream(np.arange(n, dtype="f4").reshape(n, 1), labels=labels)


def entropy(labels: np.ndarray) -> float:
    shares = np.bincount(labels) / len(labels)
    return float(-sum(p * np.log(p) for p in shares if p))


@given(
    n=st.integers(1, 80), devices=st.integers(1, 20), classes=st.integers(1, 6),
    alpha=st.floats(1e-6, 1e6), seed=st.integers(0, 99),
)  # fmt: skip
def test_skewed_deals_every_sample_out_once_in_equal_parts(
    n: int, devices: int, classes: int, alpha: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    parts = skewed(rng.integers(0, classes, n), devices, alpha, rng)
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    sizes = [len(part) for part in parts]
    assert len(parts) == devices and max(sizes) - min(sizes) <= 1


def test_the_smaller_alpha_the_fewer_labels_a_device_has() -> None:
    data = stream(2000)
    means = []
    for alpha in (0.05, 1.0, 1000.0):
        parts = partitioned(data, None, 40, alpha, 0.0, 1).devices
        means.append(np.mean([entropy(data.labels[part]) for part in parts]))
    assert means[0] < 0.6 * means[1] < 0.6 * means[2] and means[2] > 1.4


@pytest.mark.parametrize("skew", [None, 0.3])
def test_nothing_is_held_out_and_dealt_out_as_well(skew: float | None) -> None:
    split = partitioned(stream(), None, 7, skew, 0.25, 3)
    everything = np.concatenate([split.held_out, *split.devices])
    assert len(split.held_out) == 150 and len(split.devices) == 7
    assert sorted(everything.tolist()) == list(range(600))
    again = partitioned(stream(), None, 7, skew, 0.25, 3)
    assert all((a == b).all() for a, b in zip(split.devices, again.devices, strict=True))
    other = partitioned(stream(), None, 7, skew, 0.25, 4)
    assert set(other.held_out) != set(split.held_out)


def test_owners_keep_what_is_theirs() -> None:
    owners = np.array(["ann", "bob", "eve"] * 200)
    split = partitioned(stream(), owners, None, None, 0.1, 0)
    assert [set(owners[part]) for part in split.devices] == [{"ann"}, {"bob"}, {"eve"}]
    two = partitioned(stream(), owners, 2, None, 0.1, 0)
    assert len(two.devices) == 2 and all(len(set(owners[part])) == 1 for part in two.devices)


def test_what_does_not_go_together_is_refused() -> None:
    owners, unlabelled = np.arange(600) % 3, Stream(np.zeros((9, 1), "f4"))
    with pytest.raises(UsageError, match="of 3 devices, not of 4"):
        partitioned(stream(), owners, 4, None, 0.0, 0)
    with pytest.raises(UsageError, match="leave --skew out"):
        partitioned(stream(), owners, None, 1.0, 0.0, 0)
    with pytest.raises(UsageError, match="480 samples are too few for 481 devices"):
        partitioned(stream(), None, 481, None, 0.2, 0)
    with pytest.raises(UsageError, match="has none"):
        partitioned(unlabelled, None, 2, 1.0, 0.0, 0)


def test_a_task_gets_its_devices_samples_none_twice_before_all() -> None:
    data, parts = stream(), {"a": np.arange(10, 20), "b": np.arange(3)}
    source = source_of(data, parts, 5)
    x, y = source("a", 1, 4, 25)
    assert sorted(x[:10, 0]) == sorted(x[10:20, 0]) == list(range(10, 20))
    assert (y == data.labels[x[:, 0].astype(int)]).all()
    assert (source("a", 1, 4, 25)[0] == x).all() and (source("a", 1, 5, 25)[0] != x).any()
    assert set(source("b", 1, 1, 2)[0][:, 0]) <= {0, 1, 2}
