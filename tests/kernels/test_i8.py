"""Kernels of learning in integers against real arithmetic, and the rounding of int8 layers against
exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from library import LINEAR, RELU, SIGMOID, TANH
from library_i8 import IntegerKernels, build

SIZES = [(1, 1), (3, 5), (4, 4), (7, 9), (16, 3), (33, 10), (35, 2)]
SINGLE, DOUBLE, UPWARD = range(3)


@pytest.fixture(scope="module")
def k(tmp_path_factory: pytest.TempPathFactory) -> IntegerKernels:
    return build(tmp_path_factory.mktemp("kernels_i8"))


def exponent(value: int = 0) -> np.ndarray:
    return np.array([value], np.int8)


def block(rng: np.random.Generator, n: int | tuple[int, ...], bits: int) -> np.ndarray:
    most = 2 ** (bits - 1) - 1
    return rng.integers(-most, most + 1, n).astype(np.int8 if bits == 8 else np.int16)


def real(v: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return v.astype(np.float64) * 2.0 ** int(exponent[0])


# ---- rounding of int8 layers ----


def away(v: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    return math.floor(abs(v) + Fraction(1, 2)) * (1 if v >= 0 else -1)


def up(v: Fraction) -> int:
    """The nearest integer, halves up."""
    return math.floor(v + Fraction(1, 2))


def rounded(acc: int, multiplier: int, shift: int, rounding: int) -> int:
    left, right = max(shift, 0), max(-shift, 0)
    if rounding == SINGLE:
        return away(Fraction(acc * multiplier) * Fraction(2) ** (shift - 31))
    high = up(Fraction((acc << left) * multiplier, 2**31))
    return (away if rounding == DOUBLE else up)(Fraction(high, 2**right))


#: halves, and both ends of what a multiplier can be
MULTIPLIERS = st.one_of(
    st.sampled_from([2**30, 2**30 + 1, 2**31 - 1, 3 * 2**29]), st.integers(2**30, 2**31 - 1)
)


def accumulators(most: int) -> st.SearchStrategy[int]:
    ends = [0, 1, -1, 2, -2, 3, -3, most, -most, most - 1, 1 - most]
    return st.one_of(st.sampled_from(ends), st.integers(-999, 999), st.integers(-most, most))


@given(acc=accumulators(2**31 - 1), multiplier=MULTIPLIERS, shift=st.integers(-30, 0),
       rounding=st.sampled_from([SINGLE, DOUBLE, UPWARD]))  # fmt: skip
def test_requantize_right(k, acc, multiplier, shift, rounding):
    got = k.requantize_s8(acc, multiplier, shift, rounding, 0)
    assert got == rounded(acc, multiplier, shift, rounding)


@given(acc=accumulators(2**15), multiplier=MULTIPLIERS, shift=st.integers(1, 14),
       rounding=st.sampled_from([SINGLE, DOUBLE, UPWARD]))  # fmt: skip
def test_requantize_left(k, acc, multiplier, shift, rounding):
    got = k.requantize_s8(acc, multiplier, shift, rounding, 0)
    assert got == rounded(acc, multiplier, shift, rounding)


@given(acc=accumulators(2**30 - 1), multiplier=MULTIPLIERS, shift=st.integers(-30, -2),
       rounding=st.sampled_from([SINGLE, DOUBLE, UPWARD]))  # fmt: skip
def test_the_short_form_is_exact(k, acc, multiplier, shift, rounding):
    """What generated code uses where sums stay below 2**30 and every shift is -2 or less."""
    got = k.requantize_s8(acc, multiplier, shift, rounding, 1)
    assert got == rounded(acc, multiplier, shift, rounding)


def test_clamp(k):
    for low, high in ((-128, 127), (-128, 0), (5, 5)):
        for v in (-(2**31), -129, -128, -1, 0, 5, 6, 127, 128, 2**31 - 1):
            assert k.clamp_s8(v, low, high) == min(max(v, low), high)


# ---- fixed-point functions ----


def test_exp(k):
    for gap in range(4096):
        assert abs(k.exp_q15(gap) / 32768 - math.exp(-gap / 256)) <= 1.5 / 32768


def test_ln(k, rng):
    values = [*range(1, 300), *(2**b + d for b in range(2, 32) for d in (-1, 0, 1)), 2**32 - 1,
              *rng.integers(1, 2**32, 500).tolist()]  # fmt: skip
    for v in values:
        assert abs(k.ln_q12(v) / 4096 - math.log(v / 32768)) <= 3.5e-3


@given(v=st.integers(-(2**28), 2**28), left=st.integers(-40, 40))
def test_shifted(k, v, left):
    most = 2**28
    wanted = min(max(up(Fraction(v) * Fraction(2) ** left), -most), most)
    got = k.shifted_i32(v, left)
    assert abs(got - wanted) < 2 ** min(max(left, 1), 28) if abs(wanted) == most else got == wanted


@given(v=st.integers(-(2**20), 2**20), shift=st.integers(1, 12))
def test_random_rounding_is_right_on_average(k, v, shift):
    words = range(2**shift) if shift < 7 else range(0, 2**shift, 2 ** (shift - 6))
    draws = [k.random_round_i32(v, shift, word << (32 - shift)) for word in words]
    assert {v >> shift, -(-v >> shift)} >= set(draws)
    assert abs(sum(draws) / len(draws) - v / 2**shift) <= 1 / len(draws)


# ---- layers ----


def test_input(k, rng):
    for n, spread in ((1, 1.0), (7, 1e-20), (35, 1e20)):
        x = (rng.standard_normal(n) * spread).astype(np.float32)
        q, e = np.zeros(n, np.int8), exponent()
        k.input_i8(q, e, x, n)
        assert 64 <= np.abs(q.astype(int)).max() <= 127
        assert (np.abs(real(q, e) - x) <= 2.0 ** int(e[0])).all()


def test_input_of_zeros(k):
    q, e = np.ones(3, np.int8), exponent()
    k.input_i8(q, e, np.array([0.0, -0.0, 1e-40], np.float32), 3)
    assert (q == 0).all()


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("zero", [0, -128, 5])
def test_dense(k, rng, n_in, n_out, zero):
    x, w, b = block(rng, n_in, 8), block(rng, (n_out, n_in), 8), block(rng, n_out, 16)
    z, e, exact = (
        np.zeros(n_out, np.int16),
        exponent(),
        w.astype(np.int64) @ (x.astype(np.int64) - zero),
    )
    k.dense_i8(z, e, x, exponent(-6), w, exponent(-7), b, exponent(-14), n_in, n_out, zero)
    assert (np.abs(real(z, e) - (exact * 2.0**-13 + b * 2.0**-14)) <= 1.5 * 2.0 ** int(e[0])).all()
    k.dense_i8(z, e, x, exponent(-6), w, exponent(-7), None, None, n_in, n_out, zero)
    assert (np.abs(real(z, e) - exact * 2.0**-13) <= 0.5 * 2.0 ** int(e[0])).all()
    assert np.abs(z.astype(int)).max() >= 2**13 or int(e[0]) == -13


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
@pytest.mark.parametrize("activation", [LINEAR, RELU, TANH, SIGMOID])
def test_gradient(k, rng, n_in, n_out, activation):
    x, w, dz = block(rng, n_in, 8), block(rng, (n_out, n_in), 8), block(rng, n_out, 12)
    x = np.abs(x) if activation == SIGMOID else x
    dx, e = np.zeros(n_in, np.int16), exponent()
    k.dense_gradient_i8(dx, e, x, dz, exponent(-14), w, exponent(-7), n_in, n_out, activation)
    y = x / 128.0
    slope = {LINEAR: np.ones(n_in), RELU: x > 0, TANH: 1 - y * y, SIGMOID: y * (1 - y)}[activation]
    wanted = w.astype(np.float64).T @ dz * 2.0**-21 * slope
    assert (np.abs(real(dx, e) - wanted) <= 2.0 ** int(e[0])).all()
    assert np.abs(dx).max() <= 2**12


@pytest.mark.parametrize(("n_in", "n_out"), SIZES)
def test_update_moves_by_the_rate_on_average(k, rng, n_in, n_out):
    x, dz = block(rng, n_in, 8), block(rng, n_out, 12)
    x[::3], dz[::4] = 0, 0
    start, start_b = block(rng, (n_out, n_in), 8) // 2, block(rng, n_out, 15)
    mean, mean_b, times = np.zeros(start.shape), np.zeros(n_out), 256
    for _ in range(times):
        w, b, e, b_e = start.copy(), start_b.copy(), exponent(-7), exponent(-14)
        word = rng.integers(-(2**31), 2**31, 1).astype(np.int32)
        k.dense_update_i8(x, exponent(-6), dz, exponent(-14), w, e, b, b_e, word, -0.125, 0.5,
                          n_in, n_out, 0)  # fmt: skip
        assert (int(e[0]), int(b_e[0])) == (-7, -14)
        mean += w / times
        mean_b += b / times
    step = np.outer(dz.astype(np.float64), x) * 2.0**-20 * 0.0625 / 2.0**-7
    assert (np.abs(mean - (start - step)) <= 0.2).all()
    assert (np.abs(mean_b - (start_b - dz * 2.0**-14 * 0.125 * 2.0**14)) <= 0.2).all()
    untouched = step == 0
    assert np.array_equal(mean[untouched], start[untouched])


def test_update_doubles_the_range_where_a_weight_would_leave_it(k):
    w, e, word = np.array([[127, 40, -126]], np.int8), exponent(-7), np.array([1], np.int32)
    x, dz = np.array([127, 0, 0], np.int8), np.array([-2000], np.int16)
    k.dense_update_i8(x, exponent(-7), dz, exponent(-7), w, e, None, None, word, -0.5, 1.0, 3, 1, 0)
    assert int(e[0]) == -6
    assert w.tolist()[0][1:] == [20, -63] and 63 <= w[0, 0] <= 64


@pytest.mark.parametrize("activation", [LINEAR, RELU, TANH, SIGMOID])
@pytest.mark.parametrize("bits", [6, 12, 16])
def test_activation(k, rng, activation, bits):
    z, y, e = block(rng, 35, bits), np.zeros(35, np.int8), exponent()
    z_exp = exponent(3 - bits)
    k.activation_i8(y, e, z, z_exp, 35, activation)
    v = real(z, z_exp)
    wanted = {LINEAR: v, RELU: np.maximum(v, 0), TANH: np.tanh(v), SIGMOID: 1 / (1 + np.exp(-v))}
    assert (np.abs(real(y, e) - wanted[activation]) <= 1.1 * 2.0 ** int(e[0])).all()


# ---- outputs and losses ----


def softmax(v: np.ndarray) -> np.ndarray:
    e = np.exp(v - v.max())
    return np.asarray(e / e.sum())


def sigmoid(v: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-v)))


@pytest.mark.parametrize("n", [1, 2, 10, 35])
def test_outputs(k, rng, n):
    z, e, y = block(rng, n, 12), exponent(-9), np.zeros(n, np.float32)
    v = real(z, e)
    for call, wanted in ((k.softmax_i8, softmax(v)), (k.sigmoid_i8, sigmoid(v)), (k.real_i8, v)):
        call(y, z, e, n)
        np.testing.assert_allclose(y, wanted, atol=3e-3)


def cross_entropy(v: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    p = softmax(v)
    return float(-(t * np.log(p)).sum()), p * t.sum() - t


def binary_cross_entropy(v: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    p = sigmoid(v)
    return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()), (p - t) / len(t)


def squared(v: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    return float(((v - t) ** 2).mean()), 2 * (v - t) / len(t)


LOSSES = {"softmax_cross_entropy": cross_entropy, "sigmoid_cross_entropy": binary_cross_entropy,
          "mse": squared}  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 10, 35])
@pytest.mark.parametrize("name", LOSSES)
def test_losses(k, rng, name, n):
    z, e, d, d_exp = block(rng, n, 12), exponent(-9), np.zeros(n, np.int16), exponent()
    targets = rng.random(n).astype(np.float32)
    targets /= targets.sum() if name.startswith("softmax") else 1.0
    label = np.eye(n)[n // 2] if n > 1 or name != "sigmoid_cross_entropy" else np.zeros(1)
    for suffix, given_as, t in (("", targets, targets), ("_label", n // 2, label)):
        loss = getattr(k, f"{name}{suffix}_i8")(d, d_exp, z, e, given_as, n)
        wanted, gradient = LOSSES[name](real(z, e), t.astype(np.float64))
        cut = n / 1024 * wanted  # of each target, ten bits count for the value
        assert abs(loss - wanted) <= 0.01 * max(wanted, 1) + cut
        np.testing.assert_allclose(
            real(d, d_exp), gradient, atol=0.004 * max(np.abs(gradient).max(), 1)
        )
        assert np.abs(d).max() <= 2**12


@pytest.mark.parametrize("name", LOSSES)
def test_a_target_that_is_no_number_is_refused(k, name):
    z, d, t = np.ones(3, np.int16), np.zeros(3, np.int16), np.array([0, np.nan, 1], np.float32)
    assert math.isnan(getattr(k, f"{name}_i8")(d, exponent(), z, exponent(-2), t, 3))
