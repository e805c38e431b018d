"""conv2d_f32.h and depthwise_conv2d_f32.h against their definitions in float64."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from library import LEAKY_RELU, LINEAR, RELU, SIGMOID, guarded, intact, window

RATE = -0.05
# (height, width, channels), filters, kernel, stride, SAME
CONVOLUTIONS = [
    ((6, 6, 1), 8, (3, 3), (1, 1), False),
    ((9, 7, 1), 4, (3, 3), (2, 2), True),
    ((5, 5, 8), 3, (3, 3), (2, 2), False),
    ((4, 6, 9), 5, (3, 3), (1, 1), True),
    ((7, 7, 3), 2, (5, 4), (2, 1), True),
    ((3, 3, 2), 2, (5, 5), (1, 1), True),
    ((4, 4, 17), 7, (1, 1), (1, 1), False),
    ((1, 15, 3), 4, (1, 7), (1, 2), True),
    ((3, 4, 5), 3, (3, 4), (1, 1), False),
    ((8, 5, 1), 1, (2, 2), (3, 3), True),
    ((9, 8, 3), 5, (3, 3), (1, 1), True, (2, 3)),
    ((9, 8, 3), 4, (3, 2), (2, 1), False, (2, 4)),
    ((1, 17, 5), 6, (1, 3), (1, 1), True, (1, 4)),
    ((4, 5, 2), 3, (2, 2), (1, 1), True, (3, 4)),  # windows without any input
    ((8, 6, 4), 4, (3, 3), (1, 1), False, (3, 1)),
]
# the same with a multiplier in place of the filters
DEPTHWISE = [
    ((6, 6, 8), 1, (3, 3), (1, 1), False),
    ((7, 5, 3), 1, (3, 3), (2, 2), True),
    ((5, 5, 3), 2, (3, 3), (1, 1), True),
    ((4, 4, 9), 1, (1, 1), (1, 1), False),
    ((3, 3, 1), 3, (5, 5), (1, 1), True),
    ((9, 8, 4), 1, (3, 3), (1, 1), True, (2, 3)),
    ((4, 5, 3), 2, (2, 2), (1, 1), True, (3, 4)),
    ((9, 8, 9), 1, (3, 2), (2, 1), False, (2, 4)),
]


def case(rng, depthwise, x_shape, filters, kernel, stride, same, dilation=(1, 1)):
    out_c = x_shape[2] * filters if depthwise else filters
    s = window(x_shape, out_c, kernel, stride, same, dilation)
    w_shape = (*kernel, out_c) if depthwise else (out_c, *kernel, x_shape[2])
    shapes = (x_shape, w_shape, out_c, (s.out_h, s.out_w, out_c))
    return s, *[rng.standard_normal(shape).astype(np.float32) for shape in shapes]


ALL = [(False, *c) for c in CONVOLUTIONS] + [(True, *c) for c in DEPTHWISE]
KERNEL = {False: "conv2d", True: "depthwise_conv2d"}
FORWARD = {False: naive.conv2d, True: naive.depthwise}
GRADIENTS = {False: naive.conv2d_gradients, True: naive.depthwise_gradients}


def backward(k, depthwise, *arguments):
    getattr(k, f"{KERNEL[depthwise]}_backward_f32")(*arguments)


@pytest.mark.parametrize("shape", ALL)
@pytest.mark.parametrize("act", [LINEAR, RELU, LEAKY_RELU, SIGMOID])
def test_forward(k, rng, shape, act):
    s, x, w, b, _ = case(rng, *shape)
    y = guarded((s.out_h, s.out_w, s.out_c))
    getattr(k, f"{KERNEL[shape[0]]}_f32")(y, x, w, b, s, act, 0.125)
    expected = naive.activate(FORWARD[shape[0]](x, w, b, s), act, 0.125)
    np.testing.assert_allclose(y, expected, rtol=5e-6, atol=5e-6)
    assert intact(y)


@pytest.mark.parametrize("shape", ALL)
@pytest.mark.parametrize("skip", [0, 1])
def test_backward(k, rng, shape, skip):
    s, x, w, b, dy = case(rng, *shape)
    dy[rng.random(dy.shape) < 0.5] = 0.0
    dx, u, ub = guarded(x.shape), guarded(w.shape), guarded(s.out_c)
    u[:], ub[:] = w, b
    backward(k, shape[0], dx, x, dy, u, u, ub, RATE, s, skip)
    gx, gw, gb = GRADIENTS[shape[0]](x, w, dy, s)
    np.testing.assert_allclose(dx, gx, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(u, w + RATE * gw, rtol=5e-6, atol=5e-6)
    np.testing.assert_allclose(ub, b + RATE * gb, rtol=5e-6, atol=5e-6)
    assert intact(dx) and intact(u) and intact(ub)


@pytest.mark.parametrize("shape", ALL)
def test_every_form_gives_the_same_bits(k, rng, shape):
    s, x, w, b, dy = case(rng, *shape)
    dy[rng.random(dy.shape) < 0.5] = 0.0
    dx, u, ub = np.zeros_like(x), w.copy(), b.copy()
    backward(k, shape[0], dx, x, dy, u, u, ub, RATE, s, 0)
    for skip in (0, 1):
        other, buffer, vb = np.zeros_like(x), w.copy(), b.copy()
        backward(k, shape[0], other, x, dy, w, buffer, vb, RATE, s, skip)
        alone, frozen = w.copy(), np.zeros_like(x)
        backward(k, shape[0], None, x, dy, alone, alone, None, RATE, s, skip)
        backward(k, shape[0], frozen, x, dy, w, None, None, RATE, s, skip)
        for got, wanted in ((other, dx), (frozen, dx), (buffer, u), (alone, u), (vb, ub)):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("shape", ALL)
def test_forward_without_bias(k, rng, shape):
    s, x, w, b, dy = case(rng, *shape)
    y = np.zeros_like(dy)
    getattr(k, f"{KERNEL[shape[0]]}_f32")(y, x, w, None, s, LINEAR, 0.0)
    expected = FORWARD[shape[0]](x, w, 0 * b, s)
    np.testing.assert_allclose(y, expected, rtol=5e-6, atol=5e-6)
