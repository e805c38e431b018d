"""Fixtures: the kernels in both roundings, and random numbers that repeat."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from library import Kernels, build, has_fma


@pytest.fixture(scope="session", params=[False, True], ids=["separate", "fused"])
def k(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    if request.param and not has_fma():
        pytest.skip("this processor has no FMA")
    return build(tmp_path_factory.mktemp("kernels"), request.param)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
