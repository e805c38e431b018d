"""A sample or target that is not finite is refused, and not one bit of the weights changes."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import oracle, oracle_weights, target
from support.graphs import Net
from support.harness import CModel, emitted

from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices

BAD = (np.nan, np.inf, -np.inf, np.float32(3e38))


def network(hidden: str, name: str = "net") -> Graph:
    """A convolution, a dense layer and an output layer with saturating or clipping between."""
    net = Net(name, (4, 4, 1), seed=3)
    net.conv("conv", 2, (2, 2), act=hidden)
    net.op("max_pool", "pool", attrs={"kernel": (2, 2), "strides": (1, 1), "padding": "valid"})
    net.flatten()
    net.dense("hidden", 5, hidden)
    net.dense("out", 3, "softmax")
    return net.done()


SELECTIONS = ("all", "last:1", "last:2", "conv", "hidden", "conv,out")
CHOICES = {
    **{f"{h}-{s}": (h, Choices(s)) for h in ("relu", "relu6", "sigmoid") for s in SELECTIONS},
    "standardized-input": ("tanh", Choices("last:1", standardize_input=True)),
    "standardized-all": ("relu", Choices("all", standardize_input=True)),
    "standardized-features": ("relu", Choices(head=Head(4, "softmax", "features", False, True))),
    "reconstruction": ("relu", Choices(head=Head(2, "sigmoid", "hidden", False, True))),
    "growing": ("relu", Choices(head=Head(2, "softmax", "output"), max_classes=4)),
    "mse": ("relu", Choices("all", loss="mse")),
    "momentum": ("relu", Choices("all", optimizer=Optimizer(0.9, 0.1))),
    "accumulation": ("relu", Choices("all", optimizer=Optimizer(0.9, 0.1, 2))),
}


@pytest.fixture(scope="module")
def models(build) -> dict[str, CModel]:
    emit = [emitted(network(h), c, f"n{i}") for i, (h, c) in enumerate(CHOICES.values())]
    return dict(zip(CHOICES, build(*emit), strict=True))


def samples(c: CModel):
    """Good samples with one bad element each, at the start, inside and at the end."""
    rng = np.random.default_rng(0)
    for bad in BAD:
        for at in (0, 7, 15):
            x = rng.normal(size=16).astype(np.float32)
            x[at] = bad
            yield x, target(c.model, rng)
    yield np.full(16, np.nan), target(c.model, rng)


@pytest.mark.parametrize("name", CHOICES)
def test_bad_sample_is_refused(models, name: str) -> None:
    c = models[name]
    c.init()
    it, rng = oracle(c.model), np.random.default_rng(1)
    for _ in range(3):
        x, t = rng.normal(size=16), target(c.model, rng)
        assert np.isfinite([c.learn(x, t), it.learn(x, t)]).all()
    state, values = c.weights().tobytes(), oracle_weights(c.model, it)
    with np.errstate(all="ignore"):
        for x, t in samples(c):
            assert np.isnan(c.learn(x, t)), x
            assert np.isnan(c.learn_label(x, 1))
            c.observe(x)
            assert np.isnan(c.update(x, t))
            assert np.isnan(it.learn(x, t)), x
            assert c.weights().tobytes() == state
            assert (oracle_weights(c.model, it) == values).all()


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("bad", BAD[:3])
def test_bad_target_is_refused(models, name: str, bad: float) -> None:
    c, rng = models[name], np.random.default_rng(2)
    c.init()
    it, x = oracle(c.model), rng.normal(size=16)
    state, values = c.weights().tobytes(), oracle_weights(c.model, it)
    for at in range(c.model.compiled.classes or c.model.outputs):
        t = target(c.model, rng)
        t[at] = bad
        with np.errstate(all="ignore"):
            assert np.isnan(c.learn(x, t))
            assert np.isnan(it.learn(x, t))
        assert c.weights().tobytes() == state
        assert (oracle_weights(c.model, it) == values).all()


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_label_is_refused(models, name: str) -> None:
    c, x = models[name], np.ones(16)
    c.init()
    state = c.weights().tobytes()
    labels = c.model.compiled.classes or c.model.outputs
    for label in (labels, labels + 1, 2**31, 2**32 - 1):
        assert np.isnan(c.learn_label(x, label))
    assert c.weights().tobytes() == state


@pytest.mark.parametrize("name", CHOICES)
def test_learning_goes_on_after_a_refusal(models, name: str) -> None:
    """A refused sample leaves nothing behind: the next steps are those of a clean stream."""
    c, ends = models[name], []
    for dirty in (False, True):
        c.init()
        rng = np.random.default_rng(4)
        for _ in range(4):
            x, t = rng.normal(size=16), target(c.model, rng)
            if dirty:
                c.learn(np.full(16, np.nan), t)
                c.predict(np.full(16, np.inf))
            assert np.isfinite(c.learn(x, t))
        ends.append(c.weights().tobytes())
    assert ends[0] == ends[1]


def test_bad_samples_do_not_stop_predictions(models) -> None:
    c = models["relu-all"]
    c.init()
    want = c.predict(np.ones(16))
    assert np.isnan(c.predict(np.full(16, np.nan))).any()
    assert c.predict(np.ones(16)).tobytes() == want.tobytes()
