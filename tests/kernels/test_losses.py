"""loss_*_f32.h against their definitions in float64."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from library import guarded, intact

LENGTHS = [1, 2, 5, 10]


def mse(y, t):
    return np.mean((y - t) ** 2), 2 * (y - t) / len(y)


def softmax_cross_entropy(z, t):
    p = naive.softmax(z)
    return -np.sum(t * np.log(p)), p * t.sum() - t


def sigmoid_cross_entropy(z, t):
    loss = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
    return loss.mean(), (1 / (1 + np.exp(-z)) - t) / len(z)


DEFINITIONS = {
    "mse": mse,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
}


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_loss_and_delta(k, rng, name, n):
    for _ in range(20):
        z = (5 * rng.standard_normal(n)).astype(np.float32)
        t = rng.random(n).astype(np.float32)
        d = guarded(n)
        loss = getattr(k, f"{name}_f32")(d, z, t, n)
        expected, delta = DEFINITIONS[name](z.astype(np.float64), t.astype(np.float64))
        assert loss == pytest.approx(expected, rel=4e-6, abs=1e-6)
        np.testing.assert_allclose(d, delta, rtol=2e-5, atol=1e-6)
        assert intact(d)
        assert getattr(k, f"{name}_f32")(z, z, t, n) == loss
        np.testing.assert_array_equal(z, d)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_label_is_one_hot(k, rng, name, n):
    labels = range(2) if name.startswith("sigmoid") and n == 1 else range(n)
    for label in labels:
        z = (5 * rng.standard_normal(n)).astype(np.float32)
        t = (np.arange(n) == label).astype(np.float32) if n > 1 else np.float32([label])
        t = np.float32([1]) if n == 1 and not name.startswith("sigmoid") else t
        d, e = guarded(n), guarded(n)
        loss = getattr(k, f"{name}_label_f32")(d, z, label, n)
        assert loss == pytest.approx(getattr(k, f"{name}_f32")(e, z, t, n), rel=1e-6)
        np.testing.assert_allclose(d, e, rtol=1e-6, atol=1e-7)


def test_cross_entropy_keeps_small_losses_and_survives_large_logits(k):
    z, d = np.float32([30, 0, 0]), np.zeros(3, np.float32)
    assert k.softmax_cross_entropy_label_f32(d, z, 0, 3) == pytest.approx(2 * np.exp(-30))
    z = np.float32([500, -500, 0])
    assert k.softmax_cross_entropy_label_f32(d, z, 1, 3) == pytest.approx(1000)
    np.testing.assert_array_equal(d, np.float32([1, -1, 0]))
    z = np.float32([-300])
    assert k.sigmoid_cross_entropy_label_f32(d[:1], z, 1, 1) == pytest.approx(300)
    assert k.sigmoid_cross_entropy_label_f32(d[:1], -z, 1, 1) == 0.0


@pytest.mark.parametrize("name", DEFINITIONS)
def test_nan_shows_in_the_loss(k, name):
    for at in range(3):
        z, t, d = np.zeros(3, np.float32), np.float32([0, 1, 0]), np.zeros(3, np.float32)
        z[at] = np.nan
        assert np.isnan(getattr(k, f"{name}_f32")(d, z, t, 3))
        assert np.isnan(getattr(k, f"{name}_label_f32")(d, z, 1, 3))
