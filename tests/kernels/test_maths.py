"""tl_math.h: errors in units in the last place over dense sweeps, and the special values."""

from __future__ import annotations

import numpy as np
import pytest

BOUNDS = {"expf": 2.0, "logf": 2.0, "log1pf": 2.5, "tanhf": 4.0, "sigmoidf": 4.0}
with np.errstate(all="ignore"):
    EXACT = {
        "expf": np.exp,
        "logf": np.log,
        "log1pf": np.log1p,
        "tanhf": np.tanh,
        "sigmoidf": lambda x: 1 / (1 + np.exp(-x)),
    }


def sweep(name: str) -> np.ndarray:
    """Every 509th float there is (509 is prime), where the function is finite."""
    x = np.arange(0, 2**32, 509, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    if name in ("logf", "log1pf"):
        return x[x > 0]
    near = np.linspace(-104, 89, 2_000_003, dtype=np.float32)
    return np.concatenate([x[np.abs(x) < 88.7], near[near < 88.7]])


def worst_ulp(got: np.ndarray, exact: np.ndarray) -> float:
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return float(np.max(np.abs(got - exact) / unit))


@pytest.mark.parametrize("name", BOUNDS)
def test_error_in_ulp(k, name, record_property):
    x = sweep(name)
    y = np.empty_like(x)
    getattr(k, name)(y, x, x.size)
    with np.errstate(all="ignore"):
        error = worst_ulp(y, EXACT[name](x.astype(np.float64)))
    record_property("ulp", error)
    assert error <= BOUNDS[name], f"{name}: {error:.2f} ulp"


@pytest.mark.parametrize("name", ["sqrtf", "sqrtf_by_bits"])
def test_square_root_is_correctly_rounded(k, name):
    x = sweep("logf")
    y = np.empty_like(x)
    getattr(k, name)(y, x, x.size)
    np.testing.assert_array_equal(y, np.sqrt(x))


INF, NAN = np.inf, np.nan
SPECIAL = {
    "expf": ([0, -0.0, INF, -INF, NAN, 89, -105, 88.72], [1, 1, INF, 0, NAN, INF, 0, None]),
    "logf": ([1, 0, -0.0, -1, INF, NAN, -INF], [0, -INF, -INF, NAN, INF, NAN, NAN]),
    "tanhf": ([0, -0.0, INF, -INF, NAN, 20], [0, -0.0, 1, -1, NAN, 1]),
    "sigmoidf": ([0, INF, -INF, NAN, 200, -200], [0.5, 1, 0, NAN, 1, 0]),
    "sqrtf": ([0, -0.0, 1, INF, NAN, -1], [0, -0.0, 1, INF, NAN, NAN]),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(k, name):
    x = np.float32(SPECIAL[name][0])
    y = np.empty_like(x)
    getattr(k, name)(y, x, x.size)
    for got, expected in zip(y, SPECIAL[name][1], strict=True):
        assert expected is None or got == expected or (np.isnan(got) and np.isnan(expected))
        assert expected != 0 or np.signbit(got) == np.signbit(expected)
    assert name != "expf" or np.isfinite(y[-1])
