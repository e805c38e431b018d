"""validate: how a generated model is compared with its oracle, and that it can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.graphs import Net
from support.harness import emitted

from tinylearn.device.blob import Blob
from tinylearn.device.messages import Cost, Event, Reset, Status, StepReport
from tinylearn.device.validate import Errors, one_hot, validate
from tinylearn.errors import MismatchError, RefusedError
from tinylearn.interp import Interpreter
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices

# ---- one comparison ----


def errors(got: object, wanted: object, tolerance: float = 1e-5) -> Errors:
    found = Errors()
    found.add(np.array(got, np.float32), np.array(wanted, np.float64), tolerance)
    return found


def test_the_error_is_relative_to_the_vectors_largest_magnitude() -> None:
    found = errors([1.0, -100.0, 3.5], [1.0, -100.0, 3.0])
    assert (found.absolute, found.relative, found.mismatched_bytes) == (0.5, 0.005, 4)
    assert found.within(0.005) and not found.within(0.0049)


def test_the_largest_of_several_comparisons_counts() -> None:
    found = Errors()
    for got, wanted in (([1.0], [2.0]), ([10.0], [11.0]), ([3.0], [3.0])):
        found.add(np.array(got, np.float32), np.array(wanted), 1e-5)
    assert (found.absolute, found.relative, found.mismatched_bytes) == (1.0, 0.5, 8)


def test_bytes_that_differ_are_of_the_outputs_own_size() -> None:
    found = Errors()
    found.add(np.array([1, 2, 3], np.int8), np.array([1.0, 3.0, 4.0]), 1e-5, item=1)
    assert found.mismatched_bytes == 2


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_a_difference_on_either_side(strange: float) -> None:
    for pair in (([strange, 1.0], [0.5, 1.0]), ([0.5, 1.0], [strange, 1.0]), ([1.0], [strange])):
        found = errors(*pair)
        assert found.relative == np.inf and not found.within(1e30), pair
        assert found.mismatched_bytes == 4


def test_two_of_the_same_kind_are_no_difference() -> None:
    found = errors([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0])
    assert (found.absolute, found.relative, found.mismatched_bytes) == (0.0, 0.0, 0)


def test_zeros_and_nothing() -> None:
    assert errors([0.0, 0.0], [0.0, 0.0]).within(0.0)
    assert errors([], []) == Errors()
    assert not errors([1e-20], [0.0]).within(1e-5), "where zero is meant, zero must come"


def test_one_hot() -> None:
    vector = one_hot(4, 2)
    assert vector.dtype == np.float32 and list(vector) == [0, 0, 1, 0]


# ---- a whole validation, against a device that is the oracle in float64 ----


class Line:
    name = "scripted"


class Perfect:
    """Answers as the oracle does; ``spoil`` may change what it says."""

    def __init__(self, model, spoil: Callable | None = None, store: bool = True) -> None:
        self.store = store
        self.model, self.spoil = model, spoil or (lambda what, values: values)
        self.transport, self.resets, self.calls = Line(), [], []
        self.name, self.hash = model.name, model.hash
        self.reset(Reset.WEIGHTS)

    def info(self):
        return type("Info", (), {"name": self.name, "model_hash": self.hash})

    def reset(self, kind: Reset) -> None:
        self.resets.append(kind)
        compiled = self.model.compiled
        self.oracle = Interpreter(
            compiled.program, rate=compiled.choices.rate, classes=compiled.classes
        )

    def predict(self, x):
        self.calls.append(np.array(x))
        return self.spoil("outputs", self.oracle.predict(x).ravel())

    def learn(self, x, *, target, raw):
        assert raw
        loss = self.spoil("loss", np.array([self.oracle.learn(x, target)]))[0]
        return StepReport(Status.OK, Event.LEARNED, None, None, float(loss), Cost(0, 0))

    def write_weights(self, blob: Blob) -> None:
        if not self.store:
            raise RefusedError("no store")
        self.oracle.classes = len(blob.labels)

    def read_weights(self) -> Blob:
        held = np.concatenate(
            [self.oracle.values[t.name].ravel() for t in self.model.ram_tensors]
        ).astype("<f4")
        return Blob(self.hash, (), self.spoil("weights", held).astype("<f4").tobytes())


def network(choices: Choices | None = None):
    net = Net("net", (4,), seed=1)
    net.dense("hidden", 5, "relu")
    net.dense("out", 3, "softmax")
    return emitted(net.done(), choices or Choices("all"))


def run(device: Perfect, samples: int = 6, seed: int = 0, tolerance: float = 1e-5):
    return validate(device, device.model.compiled, samples, seed, tolerance)


def test_a_perfect_device_passes() -> None:
    found = run(Perfect(network()))
    assert found.passed and set(found.parts) == {"outputs", "loss", "weights"}
    content = found.as_json()
    assert (content["samples"], content["learning_steps"], content["passed"]) == (6, 6, True)
    assert content["oracle"] == "reference interpreter, float64" and content["tolerance"] == 1e-5
    assert content["max_rel_err"] < 1e-7 and content["mismatched_bytes"] == 0


@pytest.mark.parametrize("part", ["outputs", "loss", "weights"])
@pytest.mark.parametrize("factor", [1 + 1e-4, np.nan])
def test_a_wrong_part_fails_and_is_named(part: str, factor: float) -> None:
    def spoil(what: str, values: np.ndarray) -> np.ndarray:
        return values * factor if what == part else values

    found = run(Perfect(network(), spoil))
    assert not found.passed
    assert [name for name, e in found.parts.items() if not e.within(found.tolerance)] == [part]
    content = found.as_json()
    assert not content["passed"] and content["max_rel_err"] >= 5e-5
    assert content["mismatched_bytes"] > 0 and content[part]["mismatched_bytes"] > 0
    if np.isfinite(factor):
        assert run(Perfect(network(), spoil), tolerance=1e-3).passed


def test_a_single_wrong_sample_is_enough() -> None:
    seen = []

    def spoil(what: str, values: np.ndarray) -> np.ndarray:
        seen.append(what)
        return values + 1e-3 if what == "outputs" and seen.count("outputs") == 4 else values

    assert not run(Perfect(network(), spoil), samples=9).passed


def test_a_frozen_model_is_compared_by_its_outputs() -> None:
    device = Perfect(network(Choices()))
    before = len(device.resets)
    found = run(device)
    assert found.passed and list(found.parts) == ["outputs"] and found.steps == 0
    assert len(device.resets) == before, "there is nothing to reset"


def test_every_output_that_can_grow_is_compared() -> None:
    device = Perfect(network(Choices(head=Head(0, "softmax", "features"), max_classes=3)))
    result = run(device)
    assert result.passed
    assert list(result.parts) == ["outputs", "loss", "weights"]


def test_without_a_store_a_head_without_a_class_has_nothing_to_learn_from() -> None:
    model = network(Choices(head=Head(0, "softmax", "features"), max_classes=3))
    assert list(run(Perfect(model, store=False)).parts) == ["outputs"]


def test_a_small_tensor_is_compared_on_its_own_scale() -> None:
    def spoil(what, values):
        if what == "weights":
            values = values.copy()
            values[-1] *= 1.0005
        return values

    def shrunk():
        net = Net("net", (4,), seed=1)
        net.dense("hidden", 5, "relu")
        net.dense("out", 3, "softmax")
        graph = net.done()
        small = {
            n: replace(t, data=t.data * 0.01) for n, t in graph.tensors.items() if n == "out/bias"
        }
        return emitted(graph.with_tensors(small.values()), Choices("all", rate=1e-4))

    assert run(Perfect(shrunk())).passed
    assert not run(Perfect(shrunk(), spoil)).passed


def test_the_device_starts_from_its_initial_weights_and_ends_there() -> None:
    device = Perfect(network())
    initial = device.read_weights()
    device.learn(np.ones(4), target=one_hot(3, 1), raw=True)
    assert run(device).passed
    assert device.resets[-2:] == [Reset.WEIGHTS, Reset.WEIGHTS]
    assert device.read_weights() == initial


def test_a_device_of_another_model_is_refused_before_anything_runs() -> None:
    device = Perfect(network())
    device.hash = bytes(16)
    before = len(device.resets)
    with pytest.raises(MismatchError, match="scripted: runs another model"):
        run(device)
    assert device.calls == [] and len(device.resets) == before


def test_inputs_differ_in_kind_and_follow_the_seed() -> None:
    first, again, other = (Perfect(network()) for _ in range(3))
    for device, seed in ((first, 1), (again, 1), (other, 2)):
        run(device, samples=60, seed=seed)
    np.testing.assert_array_equal(first.calls, again.calls)
    assert not np.array_equal(first.calls, other.calls)
    inputs = np.array(first.calls)
    constant = (inputs == inputs[:, :1]).all(axis=1)
    spikes = (np.count_nonzero(inputs, axis=1) == 1) & ~constant
    assert constant.any() and spikes.any() and (~constant & ~spikes).sum() > 10
    assert inputs.dtype == np.float32 and np.isfinite(inputs).all()
