"""Runs generated C beside the float64 interpreter and measures how far they part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from support.harness import CModel
from tinylearn.emit.model import EmittedModel
from tinylearn.interp import Interpreter


def oracle(model: EmittedModel) -> Interpreter:
    """The interpreter in the state that init() gives the C."""
    compiled = model.compiled
    return Interpreter(compiled.program, rate=compiled.choices.rate, classes=compiled.classes)


def oracle_weights(model: EmittedModel, interpreter: Interpreter) -> np.ndarray:
    """The oracle's weights in the order of the C's byte range."""
    parts = [interpreter.values[t.name].ravel() for t in model.ram_tensors]
    return np.concatenate(parts) if parts else np.zeros(0)


def relative(got: np.ndarray, want: np.ndarray) -> float:
    """Largest difference, relative to the largest value wanted."""
    got, want = np.asarray(got, np.float64).ravel(), np.asarray(want, np.float64).ravel()
    assert got.shape == want.shape
    if not got.size:
        return 0.0
    error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-3)
    return float(error) if np.isfinite(error) else float("inf")


def target(model: EmittedModel, rng: np.random.Generator) -> np.ndarray:
    """A target that fits the model's loss."""
    n = model.compiled.classes or model.outputs
    if model.compiled.loss == "categorical_crossentropy":
        return np.eye(1, model.outputs, rng.integers(n), dtype=np.float32)[0]
    return rng.uniform(size=model.outputs).astype(np.float32)


@dataclass
class Parted:
    """Relative errors of outputs, losses and weights."""

    output: float = 0.0
    loss: float = 0.0
    weights: float = 0.0

    @property
    def worst(self) -> float:
        return max(self.output, self.loss, self.weights)


def compare(c: CModel, steps: int = 3, seed: int = 0, split: bool = False) -> Parted:
    """Predicts and learns ``steps`` samples with both; ``split`` learns by predict and update."""
    model, it, rng, parted = c.model, oracle(c.model), np.random.default_rng(seed), Parted()
    losses: list[tuple[float, float]] = []
    for _ in range(steps):
        x = rng.normal(size=model.compiled.program.input.shape).astype(np.float32)
        parted.output = max(parted.output, relative(c.predict(x), it.predict(x)))
        if not model.compiled.program.learns:
            continue
        t = target(model, rng)
        if split:
            parted.output = max(parted.output, relative(c.observe(x), it.observe(x)))
            got, want = c.update(x, t), it.update(t)
        else:
            got, want = c.learn(x, t), it.learn(x, t)
        losses.append((got, want))
        learnt = relative(c.weights(), oracle_weights(model, it))
        parted.weights = max(parted.weights, learnt)
    # all steps as one vector: a loss near 0 is the square of a difference that has cancelled
    parted.loss = relative(*np.array(losses).T) if losses else 0.0
    return parted
