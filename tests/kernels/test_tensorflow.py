"""Forward and gradients against TensorFlow's GradientTape: an oracle nobody here wrote."""

from __future__ import annotations

import numpy as np
import pytest
from library import LEAKY_RELU, RELU, RELU6, SIGMOID, TANH, window

RATE = -0.5


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow", reason="tensorflow is not installed")


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def gradients(tf, function, inputs, dy):
    variables = [tf.Variable(v) for v in inputs]
    with tf.GradientTape() as tape:
        y = function(*variables)
    return y.numpy(), [g.numpy() for g in tape.gradient(y, variables, tf.constant(dy))]


def close(got, expected):
    np.testing.assert_allclose(got, np.reshape(expected, np.shape(got)), rtol=2e-4, atol=2e-5)


def check_layer(k, kernel, s, x, w, b, dy, expected_y, expected):
    """Weights already in the kernels' layout; expected = gradients of x, w, b."""
    y, dx, u, ub = np.zeros_like(dy), np.zeros_like(x), w.copy(), b.copy()
    getattr(k, f"{kernel}_f32")(y, x, w, b, *s, 0, 0.0)
    getattr(k, f"{kernel}_backward_f32")(dx, x, dy, u, u, ub, RATE, *s, 1)
    close(y, expected_y)
    close(dx, expected[0])
    close(u, w + RATE * expected[1])
    close(ub, b + RATE * expected[2])


def test_dense(k, rng, tf):
    x, w, b, dy = normal(rng, 17), normal(rng, 9, 17), normal(rng, 9), normal(rng, 9)
    y, (gx, gw, gb) = gradients(tf, lambda x, w, b: tf.linalg.matvec(w, x) + b, (x, w, b), dy)
    check_layer(k, "dense", (17, 9), x, w, b, dy, y, (gx, gw, gb))


LAYERS = [
    ((9, 8, 8), 5, (3, 3), (2, 2)),
    ((7, 7, 1), 8, (3, 3), (1, 1)),
    ((6, 9, 3), 4, (2, 5), (2, 2)),
]


@pytest.mark.parametrize("shape", LAYERS)
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_conv2d(k, rng, tf, shape, padding):
    x_shape, out_c, kernel, stride = shape
    s = window(x_shape, out_c, kernel, stride, padding == "SAME")
    x, w, b = normal(rng, *x_shape), normal(rng, out_c, *kernel, x_shape[2]), normal(rng, out_c)
    dy = normal(rng, s.out_h, s.out_w, out_c)

    def layer(x, w, b):
        return tf.nn.conv2d(x[None], tf.transpose(w, (1, 2, 3, 0)), stride, padding)[0] + b

    y, expected = gradients(tf, layer, (x, w, b), dy)
    check_layer(k, "conv2d", (s,), x, w, b, dy, y, expected)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv2d(k, rng, tf, padding, multiplier):
    s = window((7, 8, 4), 4 * multiplier, (3, 3), (2, 2), padding == "SAME")
    x, w, b = normal(rng, 7, 8, 4), normal(rng, 3, 3, s.out_c), normal(rng, s.out_c)
    dy = normal(rng, s.out_h, s.out_w, s.out_c)

    def layer(x, w, b):
        w = tf.reshape(w, (3, 3, 4, multiplier))
        return tf.nn.depthwise_conv2d(x[None], w, (1, 2, 2, 1), padding)[0] + b

    y, expected = gradients(tf, layer, (x, w, b), dy)
    check_layer(k, "depthwise_conv2d", (s,), x, w, b, dy, y, expected)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_dilated(k, rng, tf, padding):
    s = window((9, 8, 4), 3, (3, 2), (1, 1), padding == "SAME", (2, 3))
    x, w, b = normal(rng, 9, 8, 4), normal(rng, 3, 3, 2, 4), normal(rng, 3)
    dy = normal(rng, s.out_h, s.out_w, 3)

    def conv(x, w, b):
        w = tf.transpose(w, (1, 2, 3, 0))
        return tf.nn.conv2d(x[None], w, 1, padding, dilations=(2, 3))[0] + b

    check_layer(k, "conv2d", (s,), x, w, b, dy, *gradients(tf, conv, (x, w, b), dy))
    s = window((9, 8, 4), 4, (3, 2), (1, 1), padding == "SAME", (2, 3))
    w, b, dy = normal(rng, 3, 2, 4), normal(rng, 4), normal(rng, s.out_h, s.out_w, 4)

    def depthwise(x, w, b):
        w = tf.reshape(w, (3, 2, 4, 1))
        return tf.nn.depthwise_conv2d(x[None], w, (1, 1, 1, 1), padding, dilations=(2, 3))[0] + b

    check_layer(k, "depthwise_conv2d", (s,), x, w, b, dy, *gradients(tf, depthwise, (x, w, b), dy))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("kind", ["MAX", "AVG"])
def test_pool(k, rng, tf, padding, kind):
    s = window((7, 8, 5), 5, (3, 2), (2, 2), padding == "SAME")
    x = np.maximum(normal(rng, 7, 8, 5), 0)  # ties at zero, as after ReLU
    dy = normal(rng, s.out_h, s.out_w, 5)
    pool = tf.nn.max_pool2d if kind == "MAX" else tf.nn.avg_pool2d
    y, (gx,) = gradients(tf, lambda x: pool(x[None], (3, 2), (2, 2), padding)[0], (x,), dy)
    got, dx = np.zeros_like(dy), np.zeros_like(x)
    if kind == "MAX":
        k.max_pool_f32(got, x, s)
        k.max_pool_backward_f32(dx, dy, x, s)
    else:
        k.average_pool_f32(got, x, s)
        k.average_pool_backward_f32(dx, dy, s)
    close(got, y)
    close(dx, gx)


@pytest.mark.parametrize("act", [RELU, RELU6, LEAKY_RELU, SIGMOID, TANH])
def test_activation(k, rng, tf, act):
    functions = {
        RELU: tf.nn.relu,
        RELU6: tf.nn.relu6,
        SIGMOID: tf.nn.sigmoid,
        TANH: tf.nn.tanh,
        LEAKY_RELU: lambda x: tf.nn.leaky_relu(x, 0.125),
    }
    x, dy = 5 * normal(rng, 101), normal(rng, 101)
    x[:4] = 0, -0.0, 6, -6
    y, (gx,) = gradients(tf, functions[act], (x,), dy)
    got, dx = np.zeros_like(x), np.zeros_like(x)
    k.activation_f32(got, x, 101, act, 0.125)
    k.activation_backward_f32(dx, dy, got, 101, act, 0.125)
    close(got, y)
    close(dx, gx)


def test_hard_swish(k, rng, tf):
    x, dy = 3 * normal(rng, 101), normal(rng, 101)
    x[:5] = 0, -0.0, 7, -7, 2.999
    y, (gx,) = gradients(tf, lambda x: x * tf.nn.relu6(x + 3) / 6, (x,), dy)
    got, dx = np.zeros_like(x), np.zeros_like(x)
    k.hard_swish_f32(got, x, 101)
    k.hard_swish_backward_f32(dx, dy, x, 101)
    close(got, y)
    close(dx, gx)
    k.hard_swish_backward_f32(dy, dy, x, 101)
    np.testing.assert_array_equal(dy, dx)
    k.hard_swish_f32(x, x, 101)
    np.testing.assert_array_equal(x, got)


def test_losses(k, rng, tf):
    z, t = 3 * normal(rng, 7), rng.random(7).astype(np.float32)
    t /= t.sum()
    losses = {
        "mse_f32": lambda z: tf.reduce_mean((z - t) ** 2),
        "softmax_cross_entropy_f32": lambda z: tf.nn.softmax_cross_entropy_with_logits(t, z),
        "sigmoid_cross_entropy_f32": lambda z: tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(t, z)
        ),
    }
    for name, function in losses.items():
        expected, (gz,) = gradients(tf, function, (z,), np.float32(1))
        d = np.zeros_like(z)
        assert getattr(k, name)(d, z, t, 7) == pytest.approx(float(expected), rel=1e-5)
        close(d, gz)
