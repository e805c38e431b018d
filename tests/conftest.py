"""What all tests share: the compile cache of generated C, and hypothesis without surprises."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support import harness, shared

settings.register_profile(
    "tinylearn",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tinylearn")


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest) -> Callable[..., list[harness.CModel]]:
    """Compiles emitted models for the host; equal sources are compiled once, ever."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc on the PATH")
    cache = Path(request.config.cache.mkdir("generated-c"))
    return lambda *models: harness.build(models, cache)


@pytest.fixture(scope="session")
def workloads() -> Path:
    """The folder of the benchmark workloads W1 to W3."""
    return shared.folder("workloads")
