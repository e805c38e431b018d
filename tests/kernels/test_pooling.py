"""max_pool_f32.h and average_pool_f32.h against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from library import guarded, intact, window
from naive import windows

POOLS = [
    ((6, 6, 8), (2, 2), (2, 2), False),
    ((5, 7, 3), (3, 3), (2, 2), True),
    ((6, 5, 11), (3, 2), (1, 1), False),
    ((1, 9, 1), (1, 4), (1, 3), True),
]


def case(rng, shape):
    x_shape, kernel, stride, same = shape
    s = window(x_shape, x_shape[2], kernel, stride, same)
    x = rng.integers(-3, 4, x_shape).astype(np.float32)  # with ties
    return s, x, rng.standard_normal((s.out_h, s.out_w, s.out_c)).astype(np.float32)


@pytest.mark.parametrize("shape", POOLS)
def test_max_pool(k, rng, shape):
    s, x, dy = case(rng, shape)
    y, dx, expected = guarded(dy.shape), guarded(x.shape), np.zeros(x.shape)
    k.max_pool_f32(y, x, s)
    k.max_pool_backward_f32(dx, dy, x, s)
    for (oy, ox), inside in windows(s).items():
        values = np.array([x[i] for i in inside])
        np.testing.assert_array_equal(y[oy, ox], values.max(0))
        for c, best in enumerate(values.argmax(0)):  # argmax gives the first
            expected[inside[best]][c] += dy[oy, ox, c]
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-6)
    assert intact(y) and intact(dx)


@pytest.mark.parametrize("shape", POOLS)
def test_average_pool(k, rng, shape):
    s, x, dy = case(rng, shape)
    y, dx, expected = guarded(dy.shape), guarded(x.shape), np.zeros(x.shape)
    k.average_pool_f32(y, x, s)
    k.average_pool_backward_f32(dx, dy, s)
    for at, inside in windows(s).items():
        mean = np.mean([x[i] for i in inside], axis=0, dtype=np.float64)
        np.testing.assert_allclose(y[at], mean, rtol=1e-6, atol=1e-6)
        for i in inside:
            expected[i] += dy[at].astype(np.float64) / len(inside)
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-6)
    assert intact(y) and intact(dx)


@pytest.mark.parametrize(("positions", "channels"), [(1, 1), (9, 8), (7, 17), (36, 3)])
def test_global_average_pool(k, rng, positions, channels):
    x = rng.standard_normal((positions, channels)).astype(np.float32)
    y, dx = guarded(channels), guarded(x.shape)
    k.global_average_pool_f32(y, x, positions, channels)
    k.global_average_pool_backward_f32(dx, y, positions, channels)
    np.testing.assert_allclose(y, x.mean(0, dtype=np.float64), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(dx, np.tile(y / positions, (positions, 1)), rtol=1e-6)
    assert intact(y) and intact(dx)


@pytest.mark.parametrize("at", range(4))
def test_nan_wins_wherever_it_stands(k, at):
    x = np.arange(4, dtype=np.float32).reshape(2, 2, 1)
    x.flat[at] = np.nan
    s = window((2, 2, 1), 1, (2, 2), (2, 2), False)
    for pool in (k.max_pool_f32, k.average_pool_f32):
        y = np.zeros(1, np.float32)
        pool(y, x, s)
        assert np.isnan(y[0])
