"""Steps of the generated C against Keras' SGD in float64, on random models and choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras_models import (
    ANYWHERE,
    SPATIAL,
    Case,
    Teacher,
    build_keras,
    by_label,
    cases,
    freeze_others,
    kink_distance,
    label_of,
    learning_layers,
    random_target,
    tensors,
)
from support.harness import CModel, emitted

from tinylearn.emit.source import emit_source
from tinylearn.importers.keras import from_model
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices

pytestmark = pytest.mark.tensorflow

TOLERANCE = 1e-5
#: rounding of one stored float32, relative
HALF_ULP = 2.0**-24


@dataclass
class Steps:
    """One case run: outputs before and after, losses, and weights before and after."""

    outputs: list[np.ndarray] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    before: dict[str, np.ndarray] = field(default_factory=dict)
    after: dict[str, np.ndarray] = field(default_factory=dict)


def samples(case: Case, outputs: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(case.seed + 1)
    return [
        (rng.normal(size=case.shape).astype(np.float32), random_target(case, outputs, rng))
        for _ in range(case.steps)
    ]


def probabilities(case: Case, y: np.ndarray) -> np.ndarray:
    """What the C predicts where the model ends in logits and the loss is a cross-entropy."""
    if not case.from_logits:
        return y
    if case.loss_class == "BinaryCrossentropy":
        return 1 / (1 + np.exp(-y))
    e = np.exp(y - y.max())
    return e / e.sum()


def in_keras(case: Case, dtype: str = "float64") -> Steps:
    """Keras' steps. Gives a case up that comes too near to a kink, or diverges."""
    model = build_keras(case, dtype)
    learning = learning_layers(case, model)
    freeze_others(model, learning)
    teacher, steps = Teacher(case, model), Steps(before=tensors(model, learning))
    for x, t in samples(case, model.output_shape[1:]):
        if dtype == "float64":
            assume(kink_distance(case, model, x) > 2e-5)
        steps.outputs.append(probabilities(case, teacher.predict(x)))
        steps.losses.append(teacher.learn(x, t))
        assume(steps.losses[-1] < 100 * max(1.0, steps.losses[0]))
    steps.outputs.append(probabilities(case, teacher.predict(x)))
    steps.after = tensors(model, learning)
    return steps


def in_float32(case: Case) -> Steps:
    """Keras' steps in the precision of the C."""
    return in_keras(case, "float32")


def choices(case: Case, model: Any) -> Choices:
    learn = ",".join(learning_layers(case, model)) if case.learn == "names" else case.learn
    optimizer = Optimizer(case.momentum, case.decay, case.accumulate, case.skip_zero_deltas)
    return Choices(learn=learn, loss=case.loss, rate=case.rate, optimizer=optimizer)


def named(c: CModel) -> dict[str, np.ndarray]:
    """The learnt weights by tensor."""
    sizes = [t.size for t in c.model.ram_tensors]
    parts = np.split(c.weights().astype(np.float64), np.cumsum(sizes)[:-1])
    return {t.name: part for t, part in zip(c.model.ram_tensors, parts, strict=True)}


def in_c(case: Case, c: CModel, outputs: tuple[int, ...]) -> Steps:
    steps = Steps(before=named(c))
    for x, t in samples(case, outputs):
        steps.outputs.append(c.predict(x).reshape(outputs))
        label = by_label(case, outputs)
        steps.losses.append(c.learn_label(x, label_of(case, t)) if label else c.learn(x, t))
    steps.outputs.append(c.predict(x).reshape(outputs))
    steps.after = named(c)
    return steps


def roundings(case: Case) -> int:
    """How often a weight is rounded on its way: at each update, and where it decays once more."""
    return case.steps // case.accumulate * (2 if case.decay else 1)


def change_error(got: Steps, want: Steps, roundings: int) -> float:
    """Largest error of any tensor's change, relative to that tensor's largest change.

    Storing a weight rounds it by up to half a unit in its last place, however small its change
    is; that much, of the larger of the old and the new weight, is not counted. A tensor that
    does not change in Keras must not change by a bit.
    """
    worst = 0.0
    for name, start in want.before.items():
        change = want.after[name] - start
        error = np.abs(got.after[name] - got.before[name] - change)
        stored = roundings * HALF_ULP * np.maximum(np.abs(start), np.abs(want.after[name]))
        excess = np.maximum(error - stored, 0).max() if change.any() else error.max()
        worst = max(worst, excess / max(np.abs(change).max(), 1e-30))
    return float(worst)


def relative(got: Any, want: Any) -> float:
    return float(np.abs(np.subtract(got, want)).max() / max(np.abs(want).max(), 1e-3))


def check_frozen(c: CModel, model: Any) -> None:
    """What does not learn is constant in the C, and Keras' own bytes where nothing is folded."""
    source = emit_source(c.model)
    frozen = {t.name for t in c.model.flash_tensors}
    for tensor in c.model.flash_tensors:
        assert f"static const float {c.model.name}_{c.model.names[tensor.name]}[" in source
    if not any("batchnormalization" in layer.name for layer in model.layers):
        rest = [x.name for x in model.layers if x.weights and not x.trainable]
        for name, values in tensors(model, rest).items():
            (tensor,) = [t for t in c.model.flash_tensors if t.name == name]
            assert tensor.data.tobytes() == values.astype(np.float32).tobytes()
            frozen.discard(name)
        assert not frozen


def run(case: Case, build: Callable[..., list[CModel]]) -> tuple[Steps, Steps]:
    """The case in C and in Keras, and what must be equal to the bit."""
    model = build_keras(case)
    freeze_others(model, learning_layers(case, model))
    (c,) = build(emitted(from_model(model), choices(case, model), "net"))
    want = in_keras(case)
    got = in_c(case, c, model.output_shape[1:])
    assert {k: v.tolist() for k, v in got.before.items()} == {
        k: v.tolist() for k, v in want.before.items()
    }
    check_frozen(c, model)
    return got, want


@pytest.mark.parametrize("kind", [*ANYWHERE, *SPATIAL])
@settings(max_examples=8)
@given(st.data())
def test_steps_are_those_of_keras(
    build: Callable[..., list[CModel]], kind: str, data: st.DataObject
) -> None:
    case = data.draw(cases(kind))
    got, want = run(case, build)
    for mine, its in zip(got.outputs, want.outputs, strict=True):
        assert relative(mine, its) < TOLERANCE
    assert all(math.isfinite(loss) for loss in got.losses)
    assert relative(got.losses, want.losses) < TOLERANCE
    error = change_error(got, want, roundings(case))
    # a softmax over large values cancels digits: then no more may be lost than Keras loses itself
    assert error < TOLERANCE or error < change_error(in_float32(case), want, roundings(case))
