"""Activations, softmax, sums, copies, statistics and guards against their definitions."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from library import LEAKY_RELU, RELU, RELU6, SIGMOID, TANH, Padding, guarded, intact

from tinylearn.ops.standardize import EPSILON, standardized, updated

ACTIVATIONS = range(8)
LENGTHS = [1, 3, 7, 8, 9, 17]


def normal(rng, shape, scale=1.0):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("n", LENGTHS)
def test_activation(k, rng, act, n):
    x, dy = normal(rng, n, 4.0), normal(rng, n)
    y, dx = guarded(n), guarded(n)
    k.activation_f32(y, x, n, act, 0.25)
    np.testing.assert_allclose(y, naive.activate(x, act, 0.25), rtol=1e-6, atol=1e-7)
    k.activation_backward_f32(dx, dy, y, n, act, 0.25)
    h = 1e-6
    x64 = x.astype(np.float64)
    slope = (naive.activate(x64 + h, act, 0.25) - naive.activate(x64 - h, act, 0.25)) / (2 * h)
    np.testing.assert_allclose(dx, dy * slope, rtol=1e-4, atol=1e-5)
    k.activation_f32(x, x, n, act, 0.25)
    np.testing.assert_array_equal(x, y)
    k.activation_backward_f32(dy, dy, y, n, act, 0.25)
    np.testing.assert_array_equal(dy, dx)
    assert intact(y) and intact(dx)


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_activation_keeps_nan(k, act):
    x = np.full(9, np.nan, np.float32)
    x[4] = np.copysign(np.float32(np.nan), np.float32(-1))
    y = np.zeros_like(x)
    k.activation_f32(y, x, 9, act, 0.25)
    assert np.isnan(y).all()


def test_gradients_at_the_corners(k):
    dy = np.ones(2, np.float32)
    corners = {
        RELU: ([0, 1], [0, 1]),
        RELU6: ([0, 6], [0, 0]),
        LEAKY_RELU: ([0, -1], [0.25, 0.25]),
        SIGMOID: ([0.5, 1], [0.25, 0]),
        TANH: ([0, 1], [1, 0]),
    }
    for act, (y, expected) in corners.items():
        dx = np.zeros_like(dy)
        k.activation_backward_f32(dx, dy, np.array(y, np.float32), 2, act, 0.25)
        np.testing.assert_array_equal(dx, np.array(expected, np.float32))


@pytest.mark.parametrize("n", LENGTHS)
def test_softmax(k, rng, n):
    x, dy = normal(rng, (2, n), 20.0), normal(rng, (2, n))
    y, dx = guarded((2, n)), guarded((2, n))
    k.softmax_f32(y, x, 2, n)
    k.softmax_backward_f32(dx, dy, y, 2, n)
    for row in range(2):
        p = naive.softmax(x[row])
        np.testing.assert_allclose(y[row], p, rtol=2e-6, atol=1e-30)
        d = dy[row].astype(np.float64)
        np.testing.assert_allclose(dx[row], p * (d - d @ p), rtol=1e-5, atol=1e-6)
    k.softmax_f32(x, x, 2, n)
    np.testing.assert_array_equal(x, y)
    assert intact(y) and intact(dx)


@pytest.mark.parametrize("at", [0, 1, 4])
def test_softmax_keeps_nan(k, at):
    x = np.arange(5, dtype=np.float32)
    x[at] = np.nan
    k.softmax_f32(x, x, 1, 5)
    assert np.isnan(x).all()


@pytest.mark.parametrize("n", LENGTHS)
def test_sums(k, rng, n):
    a, b = normal(rng, n), normal(rng, n)
    y = guarded(n)
    k.add_f32(y, a, b, n, RELU, 0.0)
    np.testing.assert_array_equal(y, np.maximum(a + b, 0))
    k.accumulate_f32(y, b, n)
    np.testing.assert_array_equal(y, np.maximum(a + b, 0) + b)
    k.accumulate_scaled_f32(y, a, -0.5, n)
    np.testing.assert_allclose(y, np.maximum(a + b, 0) + b - 0.5 * a, rtol=1e-6, atol=1e-6)
    k.copy_f32(y, a, n)
    k.scale_f32(y, 0.5, n)
    np.testing.assert_array_equal(y, 0.5 * a)
    k.fill_f32(y, 2.5, n)
    assert (y == 2.5).all() and intact(y)


def test_zero_pad_and_concat(k, rng):
    x = normal(rng, (3, 4, 5))
    y, back = guarded((6, 11, 5)), guarded(x.shape)
    k.zero_pad_f32(y, x, Padding(3, 4, 5, 1, 2, 3, 4))
    np.testing.assert_array_equal(y, np.pad(x, ((1, 2), (3, 4), (0, 0))))
    k.pad_f32(y, x, Padding(3, 4, 5, 1, 2, 3, 4), 2.5)
    np.testing.assert_array_equal(y, np.pad(x, ((1, 2), (3, 4), (0, 0)), constant_values=2.5))
    k.zero_pad_backward_f32(back, y, Padding(3, 4, 5, 1, 2, 3, 4))
    np.testing.assert_array_equal(back, x)
    rows, joined = x.reshape(12, 5), guarded((12, 8))
    k.concat_part_f32(joined, rows, 12, 5, 8, 3)
    k.concat_part_f32(joined, rows[:, :3].copy(), 12, 3, 8, 0)
    np.testing.assert_array_equal(joined, np.concatenate([rows[:, :3], rows], axis=1))
    k.concat_part_backward_f32(back, joined, 12, 5, 8, 3)
    np.testing.assert_array_equal(back, x)
    assert intact(y) and intact(back) and intact(joined)


def test_scale_shift(k, rng):
    x, scale, shift = normal(rng, (6, 7)), normal(rng, 7), normal(rng, 7)
    y = guarded((6, 7))
    k.scale_shift_f32(y, x, scale, shift, 6, 7, RELU, 0.0)
    expected = np.maximum(x.astype(np.float64) * scale + shift, 0)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    k.scale_shift_backward_f32(y, x, scale, 6, 7)
    np.testing.assert_array_equal(y, x * scale)
    assert intact(y)


def test_squared_error(k, rng):
    a, b, y = normal(rng, 17), normal(rng, 17), np.zeros(1, np.float32)
    k.squared_error_f32(y, a, b, 17)
    assert y[0] == pytest.approx(np.mean((a.astype(np.float64) - b) ** 2), rel=1e-6)


def test_standardize_follows_the_batch_statistics(k, rng):
    samples = (normal(rng, (50, 3)) * [1, 10, 0.1] + [100, -5, 0]).astype(np.float32)
    stats, y, eps = np.zeros(7, np.float32), guarded(3), 1e-3
    for count, x in enumerate(samples, 1):
        k.standardize_f32(y, x, stats, 3, 1, eps)
        seen = samples[:count].astype(np.float64)
        scale = np.sqrt(seen.var(0) + eps) if count > 1 else 1.0
        np.testing.assert_allclose(y, (x - seen.mean(0)) / scale, rtol=1e-3, atol=1e-3)
    frozen = stats.copy()
    k.standardize_f32(y, samples[0], stats, 3, 0, eps)
    np.testing.assert_array_equal(stats, frozen)
    k.standardize_backward_f32(y, np.ones(3, np.float32), stats, 3, eps)
    np.testing.assert_allclose(y, 1 / np.sqrt(samples.var(0, dtype=np.float64) + eps), rtol=1e-4)
    assert intact(y)


def wild_stream(rng):
    """Three features: a glitch early and late, a shift of 100 sigma, constant until it varies."""
    samples = normal(rng, (600, 3)) * np.array([1, 2, 1], np.float32)
    samples[[5, 300], 0] = np.nan, 1e11
    samples[200:, 1] += 200
    samples[:100, 2] = 7
    samples[[3, 400], 2] = 1e30, np.inf
    return samples


def test_standardize_equals_the_reference_on_a_wild_stream(k, rng):
    stats, y, expected = np.zeros(7, np.float32), guarded(3), np.zeros(7)
    for x in wild_stream(rng):
        k.standardize_f32(y, x, stats, 3, 1, EPSILON)
        expected = updated(expected, x.astype(np.float64))
        np.testing.assert_allclose(stats, expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(y, standardized(expected, x), rtol=1e-3, atol=1e-3)
        assert (np.abs(y[np.isfinite(x)]) <= 16).all() or stats[0] <= 16
    assert intact(y)


@pytest.mark.parametrize("offset", [0, 100])
def test_standardize_with_full_memory_keeps_the_variance_and_follows(k, rng, offset):
    """float32 must not lose what one sample adds, even 100 sigma from 0."""
    full, y = 65536, np.zeros(1, np.float32)
    stats = np.array([full, offset, full], np.float32)
    samples = (normal(rng, (20_000, 1)) + offset + 1).astype(np.float32)
    for x in samples:
        k.standardize_f32(y, x, stats, 1, 1, EPSILON)
    replaced = 1 - np.exp(-len(samples) / full)
    assert stats[0] == full
    assert stats[1] == pytest.approx(offset + replaced, abs=0.02)
    assert stats[2] / full == pytest.approx(1 + replaced * (1 - replaced), rel=0.03)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e19])
def test_bounded_refuses_what_would_poison(k, rng, n, bad):
    x = normal(rng, n, 1e3)
    assert k.bounded_f32(x, n) == 1
    for i in range(n):
        y = x.copy()
        y[i] = bad
        assert k.bounded_f32(y, n) == 0
