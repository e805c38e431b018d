"""reduce_f32.h: sums over any axes and their gradients, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from library import Reduction, guarded, intact

from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.ops import reduction

SHAPE = (3, 4, 5)
AXES = [a for n in (1, 2, 3) for a in itertools.combinations(range(3), n)]


def sizes(shape: tuple[int, ...], axes: tuple[int, ...]) -> Reduction:
    return Reduction(**dict(reduction.struct(shape, axes, "test").fields))


@pytest.mark.parametrize("axes", AXES)
def test_sum_and_gradient(k, rng, axes):
    x = rng.standard_normal(SHAPE).astype(np.float32)
    expected = 0.25 * x.astype(np.float64).sum(axis=axes)
    y, dx = guarded(reduction.out_shape(SHAPE, axes, "test")), guarded(SHAPE)
    k.reduce_f32(y, x, sizes(SHAPE, axes), 0.25)
    np.testing.assert_allclose(y, np.atleast_1d(expected), rtol=1e-5, atol=1e-6)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    k.reduce_backward_f32(dx, dy, sizes(SHAPE, axes), 0.25)
    kept = [1 if i in axes else n for i, n in enumerate(SHAPE)]
    np.testing.assert_array_equal(dx, np.broadcast_to(np.float32(0.25) * dy.reshape(kept), SHAPE))
    assert intact(y) and intact(dx)


def test_neighbours_are_one_loop():
    assert tuple(sizes((3, 4, 5), (0, 1))) == (1, 0, 5, 1, 1, 0, 12, 5)
    assert tuple(sizes((3, 1, 5), (1,))) == (1, 0, 15, 1, 1, 0, 1, 0)


def test_what_the_kernels_cannot_is_refused():
    for axes in ((), (3,), (-1,)):
        with pytest.raises(BadInputError, match="test: no axes"):
            reduction.out_shape(SHAPE, axes, "test")
    with pytest.raises(UnsupportedError, match="too far apart"):
        reduction.struct((2, 2, 2, 2, 2), (0, 2, 4), "test")
