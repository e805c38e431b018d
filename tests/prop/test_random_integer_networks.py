"""Convolutions, pools and dense layers that learn in integers, over random shapes: the generated C
gives the bytes of the NumPy reference."""

from __future__ import annotations

import numpy as np
import pytest
from support.harness import CModel, build, emitted
from support.integer_nets import random_cnn

from tinylearn.interp import Interpreter
from tinylearn.pipeline import Choices

NETWORKS, STEPS = 14, 12
RATES = (0.001, 0.05, 2.0)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[CModel]:
    models = [
        emitted(random_cnn(seed), Choices("all", rate=RATES[seed % 3], arithmetic="int8"))
        for seed in range(NETWORKS)
    ]
    return build(models, tmp_path_factory.mktemp("cnns"))


def target(c: CModel, rng: np.random.Generator) -> np.ndarray:
    n = c.model.outputs
    if c.model.compiled.loss == "categorical_crossentropy":
        return np.eye(n, dtype=np.float32)[rng.integers(n)]
    return rng.uniform(0, 1, n).astype(np.float32)


def test_code_and_reference_learn_the_same_bytes(compiled: list[CModel]) -> None:
    for c in compiled:
        rng = np.random.default_rng(1)
        oracle = Interpreter(c.model.compiled.program, rate=c.model.compiled.choices.rate)
        for step in range(STEPS):
            x = rng.normal(size=c.model.inputs) * 10.0 ** rng.integers(-2, 3)
            x = np.where(rng.random(x.shape) < 0.2, 0, x).astype(np.float32)
            assert c.predict(x).tobytes() == oracle.predict(x).astype(np.float32).tobytes()
            t = target(c, rng)
            got, want = c.learn(x, t), oracle.learn(x, t)
            assert np.array_equal(np.float32(got), np.float32(want), equal_nan=True)
            wanted = b"".join(oracle.values[w.name].tobytes() for w in c.model.ram_tensors)
            assert c.read(0, len(wanted))[1] == wanted, (c.model.name, step)
