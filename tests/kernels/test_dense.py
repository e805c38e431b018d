"""dense_f32.h against its definition in float64."""

from __future__ import annotations

import numpy as np
import pytest
from library import LINEAR, RELU, TANH, guarded, intact
from naive import activate

SIZES = [(1, 1), (1, 9), (3, 5), (7, 8), (8, 7), (9, 4), (15, 3), (16, 2), (17, 10), (33, 13)]
RATE = -0.05


def layer(rng, n_in, n_out):
    shapes = (n_in, (n_out, n_in), n_out, n_out)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def with_zeros(d):
    d[::2] = 0.0
    return d


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("act", [LINEAR, RELU, TANH])
def test_forward(k, rng, n_in, n_out, act):
    x, w, b, _ = layer(rng, n_in, n_out)
    y = guarded(n_out)
    k.dense_f32(y, x, w, b, n_in, n_out, act, 0.0)
    expected = activate(w.astype(np.float64) @ x + b, act)
    np.testing.assert_allclose(y, expected, rtol=2e-6, atol=2e-6)
    assert intact(y)


def test_forward_without_bias(k, rng):
    x, w, _, _ = layer(rng, 9, 5)
    y = guarded(5)
    k.dense_f32(y, x, w, None, 9, 5, LINEAR, 0.0)
    np.testing.assert_allclose(y, w.astype(np.float64) @ x, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("skip", [0, 1])
def test_backward(k, rng, n_in, n_out, skip):
    x, w, b, d = layer(rng, n_in, n_out)
    dx, u, ub = guarded(n_in), guarded((n_out, n_in)), guarded(n_out)
    u[:], ub[:] = w, b
    k.dense_backward_f32(dx, x, with_zeros(d), u, u, ub, RATE, n_in, n_out, skip)
    d = d.astype(np.float64)
    np.testing.assert_allclose(dx, d @ w, rtol=3e-6, atol=3e-6)
    np.testing.assert_allclose(u, w + RATE * np.outer(d, x), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(ub, b + RATE * d, rtol=2e-6, atol=2e-6)
    assert intact(dx) and intact(u) and intact(ub)


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_every_form_gives_the_same_bits(k, rng, n_in, n_out):
    """Skipping or not, in place or not, into the weights or into a buffer, with dx or not."""
    x, w, b, d = layer(rng, n_in, n_out)
    dx, u, ub = np.zeros_like(x), w.copy(), b.copy()
    k.dense_backward_f32(dx, x, with_zeros(d), u, u, ub, RATE, n_in, n_out, 0)
    for skip in (0, 1):
        in_place, v, vb = x.copy(), w.copy(), b.copy()
        k.dense_backward_f32(in_place, in_place, d, v, v, vb, RATE, n_in, n_out, skip)
        buffer, other, frozen = w.copy(), np.zeros_like(x), np.zeros_like(x)
        k.dense_backward_f32(other, x, d, w, buffer, None, RATE, n_in, n_out, skip)
        k.dense_backward_f32(frozen, x, d, w, None, None, RATE, n_in, n_out, skip)
        alone = w.copy()
        k.dense_backward_f32(None, x, d, alone, alone, None, RATE, n_in, n_out, skip)
        for got in (in_place, other, frozen):
            np.testing.assert_array_equal(got, dx)
        for got in (v, buffer, alone):
            np.testing.assert_array_equal(got, u)
        np.testing.assert_array_equal(vb, ub)


def test_frozen_layer_is_left_alone(k, rng):
    x, w, b, d = layer(rng, 8, 4)
    before = w.copy()
    k.dense_backward_f32(np.zeros_like(x), x, d, w, None, b, RATE, 8, 4, 0)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("n_in", [1, 8, 9])
def test_nan_propagates(k, rng, n_in):
    x, w, b, _ = layer(rng, n_in, 6)
    x[-1] = np.nan
    y = guarded(6)
    k.dense_f32(y, x, w, b, n_in, 6, RELU, 0.0)
    assert np.isnan(y).all()
