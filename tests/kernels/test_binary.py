"""binary_f32.h: sums, differences and products, the second operand repeated, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from library import LINEAR, RELU, Broadcast, guarded, intact

from tinylearn.errors import UnsupportedError
from tinylearn.ops import broadcast

ADD, SUBTRACT, SUBTRACT_FROM, MULTIPLY = range(4)
FUNCTIONS = {
    ADD: lambda a, b: a + b,
    SUBTRACT: lambda a, b: a - b,
    SUBTRACT_FROM: lambda a, b: b - a,
    MULTIPLY: lambda a, b: a * b,
}
SIGNS = {ADD: (1.0, 1.0), SUBTRACT: (1.0, -1.0), SUBTRACT_FROM: (-1.0, 1.0)}
FULL = (3, 4, 5)
SHAPES = [FULL, (5,), (1, 1, 5), (3, 1, 1), (3, 4, 1), (4, 1), (3, 1, 5), (1,), (4, 5), (1, 4, 1)]


def steps(a: tuple[int, ...], b: tuple[int, ...]) -> Broadcast:
    return Broadcast(**dict(broadcast.struct(a, b, "test").fields))


def normal(rng, shape):
    return rng.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("how", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("act", [LINEAR, RELU])
def test_forward(k, rng, how, shape, act):
    a, b, y = normal(rng, FULL), normal(rng, shape), guarded(FULL)
    k.binary_f32(y, a, b, steps(FULL, shape), how, act, 0.0)
    expected = FUNCTIONS[how](a, b)
    np.testing.assert_array_equal(y, np.maximum(expected, 0) if act == RELU else expected)
    k.binary_f32(a, a, b, steps(FULL, shape), how, act, 0.0)
    np.testing.assert_array_equal(a, y)
    assert intact(y)


@pytest.mark.parametrize("how", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_equal_finite_differences(k, rng, how, shape):
    parts, dy = [normal(rng, FULL), normal(rng, shape)], normal(rng, FULL)
    for i, part in enumerate(parts):
        other, dx = parts[1 - i], guarded(part.shape)
        n, sizes = part.size, steps(part.shape, other.shape)
        factor = (other, 1.0) if how == MULTIPLY else (None, SIGNS[how][i])
        k.binary_backward_f32(dx, dy, factor[0], sizes, n, factor[1])
        wide, moved = [p.astype(np.float64) for p in parts], np.zeros(n)
        for at in range(n):
            ends = []
            for step in (0.5, -0.5):  # exact: the functions are linear in each operand
                wide[i].flat[at] = part.flat[at] + step
                ends.append((FUNCTIONS[how](*wide) * dy).sum())
            wide[i].flat[at] = part.flat[at]
            moved[at] = ends[0] - ends[1]
        np.testing.assert_allclose(dx.ravel(), moved, rtol=1e-5, atol=1e-5)
        assert intact(dx)


def test_axes_that_repeat_alike_are_one_loop():
    def sizes(a, b):
        return tuple(steps(a, b))

    assert sizes((3, 4, 5), (3, 4, 5)) == (1, 1, 60, 0, 0, 1, 0, 0, 1)
    assert sizes((3, 4, 5), (5,)) == (1, 12, 5, 0, 5, 1, 0, 0, 1)
    assert sizes((3, 1, 5), (4, 1)) == (3, 4, 5, 5, 0, 1, 0, 1, 0)
    assert sizes((1,), (1,)) == (1, 1, 1, 0, 0, 0, 0, 0, 0)


def test_more_loops_than_the_kernels_have_are_refused():
    with pytest.raises(UnsupportedError, match=r"test: .* repeat along each other"):
        steps((2, 2, 2, 2), (2, 1, 2, 1))
