"""Running statistics on long and on bad streams: the float64 reference against definitions."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import oracle
from support.graphs import mlp
from support.harness import emitted

from tinylearn.interp import Interpreter
from tinylearn.ops.standardize import LIMIT, MEMORY, deviation, standardized, updated
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices


def after(samples: np.ndarray, stats: np.ndarray | None = None) -> np.ndarray:
    stats = np.zeros(1 + 2 * samples.shape[1]) if stats is None else stats
    for x in samples:
        stats = updated(stats, x)
    return stats


def moments(stats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance."""
    _, mean, m2 = np.split(stats, [1, 1 + len(stats) // 2])
    return mean, m2 / stats[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_ordinary_samples_are_not_limited(rng) -> None:
    samples = rng.normal([3, -1e4, 0], [2, 50, 1e-2], (500, 3))
    mean, variance = moments(after(samples))
    np.testing.assert_allclose(mean, samples.mean(axis=0))
    np.testing.assert_allclose(variance, samples.var(axis=0))


@pytest.mark.parametrize("glitch", [1e4, 1e11, -1e11, 3e38, np.inf])
@pytest.mark.parametrize("before", [16, 100, 2000])
def test_one_glitch_moves_statistics_by_a_bounded_amount(rng, glitch, before) -> None:
    clean = rng.normal(5, 2, (before, 1))
    stats = after(clean)
    (mean,), (variance,) = moments(updated(stats, np.array([glitch])))
    (mean_0,), (variance_0,) = moments(stats)
    assert abs(mean - mean_0) <= 1.001 * LIMIT * np.sqrt(variance_0) / before
    assert variance_0 * before / (before + 1) < variance <= variance_0 * (1 + LIMIT**2 / before)


def test_statistics_recover_from_a_glitch(rng) -> None:
    stats = after(rng.normal(5, 2, (100, 1)))
    stats = after(np.array([[1e11]]), stats)
    (mean,), (variance,) = moments(after(rng.normal(5, 2, (900, 1)), stats))
    assert mean == pytest.approx(5, abs=0.3)
    assert variance == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("at", [0, 1, 15])
def test_what_is_not_finite_is_left_out(rng, bad, at) -> None:
    samples = rng.normal(5, 2, (200, 2))
    samples[at, 0] = bad
    stats = after(samples)
    (mean, _), (variance, other) = moments(stats)
    assert stats[0] == 200
    assert mean == pytest.approx(5, abs=0.5)
    assert variance == pytest.approx(4, rel=0.4)
    assert other == pytest.approx(samples[:, 1].var())


@pytest.mark.parametrize("before", [20, 200, 2000])
def test_a_shift_of_100_standard_deviations_is_followed(rng, before) -> None:
    """A twentieth more samples reach the new place; as many again give the moments of both."""
    old, new = rng.normal(0, 1, (before, 1)), rng.normal(100, 1, (before, 1))
    stats = after(old)
    soon = after(new[: before // 20 + 1], stats)
    assert 100 - moments(soon)[0] < LIMIT * deviation(soon)
    (mean,), (variance,) = moments(after(new, stats))
    assert mean == pytest.approx(50, rel=0.1)
    assert variance == pytest.approx(2500, rel=0.1)


@pytest.mark.parametrize("constant", [0.0, 7.0, -1e4])
def test_a_constant_feature_may_begin_to_vary(rng, constant) -> None:
    stats = after(np.full((100, 1), constant))
    assert moments(stats)[1] == pytest.approx(0)
    assert standardized(stats, np.array([constant + 1.0])) == LIMIT
    (mean,), (variance,) = moments(after(rng.normal(constant + 3, 1, (2000, 1)), stats))
    assert mean == pytest.approx(constant + 3, abs=0.4)
    assert variance == pytest.approx(1, rel=0.5)


def test_outputs_are_limited(rng) -> None:
    stats = after(rng.normal(5, 2, (17, 1)))
    for x, want in ((1e30, LIMIT), (-1e30, -LIMIT), (np.inf, LIMIT)):
        assert standardized(stats, np.array([x])) == want
    assert np.isnan(standardized(stats, np.array([np.nan])))
    x, (mean, variance) = np.array([9.0]), moments(stats)
    np.testing.assert_allclose(standardized(stats, x), (x - mean) / np.sqrt(variance + 1e-6))


def test_full_memory_keeps_the_variance_and_follows_a_change(rng) -> None:
    stats = np.array([MEMORY, 1.0, MEMORY])
    stats = after(rng.normal(1, 1, (20_000, 1)), stats)
    assert stats[0] == MEMORY
    np.testing.assert_allclose(moments(stats), [[1], [1]], atol=0.05)
    stats = after(np.full((1, 1), 1.0), np.array([MEMORY, 1.0, MEMORY]))
    assert stats[2] == MEMORY - 1


def learn(it: Interpreter, rng: np.random.Generator, centres: np.ndarray, steps: int) -> float:
    """Accuracy over ``steps`` samples, each predicted and then learnt."""
    right = 0
    for _ in range(steps):
        label = rng.integers(len(centres))
        x = rng.normal(centres[label], 0.3)
        right += np.argmax(it.predict(x)) == label
        it.learn(x, np.eye(len(centres))[label])
    return right / steps


@pytest.mark.parametrize("glitch", [1e4, 1e11])
def test_a_head_on_standardized_features_survives_a_glitch(rng, glitch) -> None:
    head = Head(3, "softmax", "features", reconstruction_error=True, standardize=True)
    auto = mlp("auto", (6, 3, 6), out=None, hidden="relu")
    it = oracle(emitted(auto, Choices(head=head, rate=0.05)))
    centres = rng.normal(size=(3, 6))
    learn(it, rng, centres, 300)
    before = learn(it, rng, centres, 200)
    bad = centres[0].copy()
    bad[2] = glitch
    it.learn(bad, np.eye(3)[1])
    learn(it, rng, centres, 100)
    assert before > 0.8
    assert learn(it, rng, centres, 200) >= before - 0.05
