"""Runs a generated model beside its oracle: outputs, losses and weights after learning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinylearn.device.client import Device
from tinylearn.device.messages import Reset
from tinylearn.emit.model import EmittedModel
from tinylearn.errors import MismatchError, RefusedError
from tinylearn.interp import Interpreter
from tinylearn.pipeline import Compiled
from tinylearn.planner.plan import lives_in_ram

FLOATS, INTEGERS = "float64", "integers"
TOLERANCE = 1e-5
#: running statistics in float32 lose digits where a feature hardly varies
TOLERANCE_STATISTICS = 1e-4
_SMALLEST = 1e-30
#: share of the largest weight of all below which a tensor has no scale of its own
_NEGLIGIBLE = 1e-3


def _difference(got: NDArray[Any], wanted: NDArray[Any]) -> NDArray[Any]:
    """Absolute; 0 for two NaN or equal infinities, infinite where only one is not a number."""
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        difference = np.abs(got - wanted)
    return np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))


@dataclass
class Errors:
    """Largest differences from the oracle. Relative ones are per vector: the largest
    difference over the largest magnitude in the oracle's vector."""

    absolute: float = 0.0
    relative: float = 0.0
    mismatched_bytes: int = 0

    def within(self, tolerance: float) -> bool:
        """Whether the relative difference is at most ``tolerance``."""
        return self.relative <= tolerance

    def add(self, got: NDArray[Any], wanted: NDArray[Any], tolerance: float,
            floor: float = _SMALLEST, item: int = 4) -> None:  # fmt: skip
        """Compares one vector of ``item`` bytes a value; magnitudes below ``floor`` count as
        ``floor``."""
        if wanted.size == 0:
            return
        difference = _difference(np.asarray(got, np.float64).ravel(), wanted.ravel())
        finite = np.abs(wanted[np.isfinite(wanted)])
        scale = max(float(finite.max(initial=0)), floor)
        self.absolute = max(self.absolute, float(difference.max()))
        self.relative = max(self.relative, float(difference.max()) / scale)
        self.mismatched_bytes += item * int((difference > tolerance * scale).sum())


@dataclass(frozen=True)
class Validation:
    """Result of one validation."""

    samples: int
    steps: int
    tolerance: float
    outputs: Errors
    loss: Errors
    weights: Errors
    #: what the oracle computes in
    arithmetic: str = FLOATS

    @property
    def parts(self) -> dict[str, Errors]:
        """Errors by what was compared."""
        found = {"outputs": self.outputs, "loss": self.loss, "weights": self.weights}
        return found if self.steps else {"outputs": self.outputs}

    @property
    def passed(self) -> bool:
        """Whether all is within the tolerance."""
        return all(errors.within(self.tolerance) for errors in self.parts.values())

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the largest error over all parts at the top."""
        parts = self.parts.values()
        return {
            "oracle": f"reference interpreter, {self.arithmetic}",
            "samples": self.samples,
            "learning_steps": self.steps,
            "tolerance": self.tolerance,
            "max_abs_err": max(e.absolute for e in parts),
            "max_rel_err": max(e.relative for e in parts),
            "mismatched_bytes": sum(e.mismatched_bytes for e in parts),
            "passed": self.passed,
            **{name: asdict(errors) for name, errors in self.parts.items()},
        }


def one_hot(n: int, at: int) -> NDArray[np.float32]:
    """A float32 vector of n zeros with a one."""
    vector = np.zeros(n, np.float32)
    vector[at] = 1
    return vector


class _Samples:
    """Seeded inputs and targets: noise of several sizes, constants, single spikes."""

    def __init__(self, compiled: Compiled, classes: int | None, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs, self.outputs = compiled.program.input.size, compiled.program.result.size
        self.classes = classes or self.outputs
        self.one_hot = compiled.loss == "categorical_crossentropy"
        self.dtype = compiled.program.input.dtype

    def x(self) -> NDArray[Any]:
        kind, n = self.random.integers(4), self.inputs
        if self.dtype != "float32":
            limits = np.iinfo(self.dtype)
            codes = self.random.integers(limits.min, limits.max + 1, 1 if kind == 0 else n)
            return np.broadcast_to(codes, (n,)).astype(self.dtype)
        if kind == 0:
            return np.full(n, self.random.uniform(-1, 1), np.float32)
        if kind == 1:
            return 2 * one_hot(n, int(self.random.integers(n)))
        return self.random.normal(0, 1 if kind == 2 else 0.1, n).astype(np.float32)

    def target(self) -> NDArray[np.float32]:
        if self.one_hot:
            return one_hot(self.outputs, int(self.random.integers(self.classes)))
        return self.random.uniform(0, 1, self.outputs).astype(np.float32)


def _kind(compiled: Compiled) -> str:
    """What the oracle computes a model in, from the kind of its results."""
    exact = compiled.choices.arithmetic == "int8" or compiled.program.result.dtype != "float32"
    return INTEGERS if exact else FLOATS


def tolerance_of(compiled: Compiled) -> float:
    """What a model is held to, relative, unless the user says otherwise."""
    observes = any(op.kind == "standardize" for op in compiled.program.forward)
    return TOLERANCE_STATISTICS if observes else TOLERANCE


def validate(
    device: Device, compiled: Compiled, samples: int, seed: int, tolerance: float | None = None
) -> Validation:
    """Predicts ``samples`` inputs, learns as many, and compares all with the oracle.

    The device goes back to its initial weights before and after. Raises MismatchError where it
    runs another model.
    """
    _check_model(device, compiled)
    if compiled.program.learns:
        device.reset(Reset.WEIGHTS)
    limit = tolerance_of(compiled) if tolerance is None else tolerance
    result = _compare(device, compiled, samples, seed, limit)
    if compiled.program.learns:
        device.reset(Reset.WEIGHTS)
    return result


def _check_model(device: Device, compiled: Compiled) -> None:
    info = device.info()
    if info.model_hash != EmittedModel(info.name, compiled, "", "", "").hash:
        raise MismatchError(
            f"{device.transport.name}: runs another model than the project's graph describes; "
            "generate, build and flash it again"
        )


def _compare(
    device: Device, compiled: Compiled, samples: int, seed: int, tolerance: float
) -> Validation:
    oracle = Interpreter(compiled.program, rate=compiled.choices.rate, classes=compiled.classes)
    if compiled.choices.max_classes:
        _open_every_class(device, oracle)
    growing = compiled.choices.max_classes > 0
    learns = compiled.program.learns and not (growing and oracle.classes == 0)
    outputs, loss, weights = Errors(), Errors(), Errors()
    item = np.dtype(compiled.program.result.dtype).itemsize
    made, losses = _Samples(compiled, oracle.classes, seed), list[tuple[float, float]]()
    for _ in range(samples):
        x = made.x()
        outputs.add(device.predict(x), oracle.predict(x), tolerance, item=item)
        if learns:
            t = made.target()
            step = device.learn(x, target=t, raw=True)
            losses.append((step.loss, oracle.learn(x, t)))
    if learns:
        got, wanted = np.array(losses).T
        loss.add(got, wanted, tolerance)
        _compare_weights(device, oracle, weights, tolerance)
    steps = samples if learns else 0
    return Validation(samples, steps, tolerance, outputs, loss, weights, _kind(compiled))


def _open_every_class(device: Device, oracle: Interpreter) -> None:
    """Brings all outputs of a growing model into use, by weights that name a label for each.
    A device without a weight store refuses; then the classes it starts with are compared."""
    outputs = oracle.program.result.size
    blob = device.read_weights()
    try:
        device.write_weights(replace(blob, labels=tuple(range(outputs))))
    except RefusedError:
        return
    oracle.classes = outputs


def _compare_weights(device: Device, oracle: Interpreter, errors: Errors, tolerance: float) -> None:
    """Each tensor on its own scale, but for tensors that are all but zero."""
    tensors = [t for t in oracle.program.graph.tensors.values() if lives_in_ram(t)]
    values = [oracle.values[t.name].ravel() for t in tensors]
    floor = _NEGLIGIBLE * max(float(np.abs(v).max()) for v in values)
    weights, at = device.read_weights().weights, 0
    for tensor, wanted in zip(tensors, values, strict=True):
        dtype = np.dtype(tensor.dtype).newbyteorder("<")
        got = np.frombuffer(weights, dtype, tensor.size, at)
        errors.add(got, wanted, tolerance, floor if dtype.kind == "f" else _SMALLEST)
        at += tensor.bytes
