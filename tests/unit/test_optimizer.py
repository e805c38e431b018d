"""SGD and its options: the interpreter and the C against keras' rules written out in NumPy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.compare import oracle, oracle_weights, relative
from support.graphs import mlp
from support.harness import emitted
from support.sgd import Sgd

from tinylearn.errors import UsageError
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices, compile_graph

OPTIONS = list(product((0.0, 0.9), (0.0, 0.2), (1, 3)))
SIZES, RATE, STEPS = (6, 9, 5), 0.05, 12


def written_out(model) -> Sgd:
    graph, optimizer = model.compiled.source, model.compiled.choices.optimizer
    layers = [
        tuple(graph[f"dense_{i}/{part}"].data.astype(np.float64) for part in ("kernel", "bias"))
        for i in range(len(SIZES) - 1)
    ]
    return Sgd(layers, RATE, optimizer.momentum, optimizer.weight_decay, optimizer.accumulate)


def flat(sgd: Sgd) -> np.ndarray:
    return np.concatenate([part.ravel() for pair in sgd.layers for part in pair])


@pytest.fixture(scope="module")
def models(build):
    emit = [
        emitted(mlp(sizes=SIZES), Choices("all", rate=RATE, optimizer=Optimizer(*o)), f"o{i}")
        for i, o in enumerate(OPTIONS)
    ]
    return build(*emit)


@pytest.mark.parametrize("index", range(len(OPTIONS)), ids=[str(o) for o in OPTIONS])
def test_options_follow_keras(models, index: int) -> None:
    c = models[index]
    it, sgd, rng = oracle(c.model), written_out(c.model), np.random.default_rng(index)
    c.init()
    for _ in range(STEPS):
        x, label = rng.normal(size=SIZES[0]).astype(np.float32), int(rng.integers(SIZES[-1]))
        it.learn(x, np.eye(SIZES[-1])[label])
        c.learn_label(x, label)
        sgd.learn(x, label)
        np.testing.assert_allclose(oracle_weights(c.model, it), flat(sgd), rtol=0, atol=1e-12)
        assert relative(c.weights(), flat(sgd)) <= 1e-5


@pytest.mark.parametrize("index", range(len(OPTIONS)), ids=[str(o) for o in OPTIONS])
def test_options_cost_the_ram_that_the_plan_shows(models, index: int) -> None:
    momentum, _, accumulate = OPTIONS[index]
    ram = models[index].model.compiled.plan.ram
    assert ram.get("momentum", 0) == (ram["weights"] if momentum else 0)
    assert ram.get("accumulation", 0) == (ram["weights"] if accumulate > 1 else 0)
    assert ram["control"] == 4 + 4 * (accumulate > 1)


def test_label_and_one_hot_target_are_the_same_step(models) -> None:
    c, x = models[0], np.linspace(-1, 1, SIZES[0])
    c.init()
    c.learn(x, np.eye(SIZES[-1])[2])
    by_target = c.weights()
    c.init()
    c.learn_label(x, 2)
    assert by_target.tobytes() == c.weights().tobytes()


@pytest.mark.parametrize("index", [2, 6])
def test_rate_changes_at_run_time_and_decay_follows(models, index: int) -> None:
    c = models[index]
    it, sgd, rng = oracle(c.model), written_out(c.model), np.random.default_rng(5)
    c.init()
    for rate in (0.05, 0.2, 0.001):
        c.set_rate(rate)
        it.rate = sgd.rate = rate
        x = rng.normal(size=SIZES[0]).astype(np.float32)
        c.learn_label(x, 1)
        it.learn(x, np.eye(SIZES[-1])[1])
        sgd.learn(x, 1)
    np.testing.assert_allclose(oracle_weights(c.model, it), flat(sgd), rtol=0, atol=1e-12)
    assert relative(c.weights(), flat(sgd)) <= 1e-5


def test_zero_rate_moves_nothing(models) -> None:
    c = models[0]
    c.init()
    before = c.weights()
    c.set_rate(0.0)
    c.learn_label(np.ones(SIZES[0]), 0)
    assert (c.weights() == before).all()


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        (Optimizer(momentum=1.0), 0.1),
        (Optimizer(momentum=-0.1), 0.1),
        (Optimizer(momentum=float("nan")), 0.1),
        (Optimizer(weight_decay=1.0), 0.1),
        (Optimizer(weight_decay=float("nan")), 0.1),
        (Optimizer(accumulate=0), 0.1),
        (Optimizer(accumulate=65536), 0.1),
        (Optimizer(), 0.0),
        (Optimizer(), -1.0),
        (Optimizer(), float("nan")),
        (Optimizer(), float("inf")),
        (Optimizer(weight_decay=0.5), 2.0),
    ],
)
def test_values_out_of_range_are_refused(optimizer: Optimizer, rate: float) -> None:
    with pytest.raises(UsageError, match="--"):
        compile_graph(mlp(), Choices("all", rate=rate, optimizer=optimizer))
