"""Reference interpreter: runs a program with the ops' NumPy references.

The oracle inside the house. In float64 (the default) it is what generated float32 code is
compared with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op, Program, Tensor
from tinylearn.ops.base import Env, definition


def run_ops(ops: Iterable[Op], values: dict[str, Array], env: Env) -> None:
    """Runs ops over named values, in place: outputs are added, updates replaced."""
    for op in ops:
        args = [values[name] if name else None for name in (*op.inputs, *op.updates)]
        results = definition(op.kind).reference(op, args, env)
        values.update(zip((*op.outputs, *op.updates), results, strict=True))


def run_graph(graph: Graph, x: Array, dtype: Any = np.float64) -> Array:
    """Output of an inference graph for one input."""
    values = stored_values(graph, dtype)
    values[graph.inputs[0]] = _shaped(x, graph[graph.inputs[0]], dtype)
    run_ops(graph.ops, values, Env())
    return values[graph.outputs[0]]


def stored_values(graph: Graph, dtype: Any = np.float64) -> dict[str, Array]:
    """Initial values of weights, statistics and buffers; integers stay what they are."""
    stored = (t for t in graph.tensors.values() if t.data is not None)
    return {t.name: _shaped(t.data, t, dtype).copy() for t in stored}


def _shaped(x: Array | None, tensor: Tensor, dtype: Any) -> Array:
    """Values for a tensor: floats in the interpreter's dtype, integers in the tensor's own."""
    own = dtype if tensor.dtype == "float32" else tensor.dtype
    return np.asarray(x, own).reshape(tensor.shape)


def _finite(x: Array) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.sum(np.asarray(x, np.float32) ** 2)))


def _all_finite(x: Array) -> bool:
    return bool(np.isfinite(np.asarray(x, np.float32)).all())


@dataclass
class Interpreter:
    """A running program: the same calls as a generated model, in NumPy.

    ``classes``: outputs in use, where they can grow; None for all.

    >>> oracle = Interpreter(program, rate=0.01)
    >>> y = oracle.predict(x); loss = oracle.learn(x, t)
    """

    program: Program
    rate: float = 0.01
    classes: int | None = None
    dtype: Any = np.float64
    values: dict[str, Array] = field(init=False)
    samples: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.values = stored_values(self.program.graph, self.dtype)

    def _env(self, observing: bool = False) -> Env:
        keep = 1.0 - self.rate * self.program.weight_decay
        step = 1.0 / self.program.apply_every if self.program.apply else self._sgd_step(keep)
        return Env(step=step, minus_rate=-self.rate, keep=keep, classes=self.classes,
                   observing=observing)  # fmt: skip

    def _sgd_step(self, keep: float) -> float:
        """Decay follows the fused update where there is no velocity: the step makes up for it."""
        return -self.rate if self.program.has_velocity else -self.rate / keep

    def _forward(self, x: Array, observing: bool) -> None:
        shaped = _shaped(x, self.program.input, self.dtype)
        self.values[self.program.input.name] = shaped
        run_ops(self.program.forward, self.values, self._env(observing and _finite(shaped)))

    def _output(self) -> Array:
        run_ops(self.program.output, self.values, self._env())
        return self.values[self.program.result.name]

    def predict(self, x: Array) -> Array:
        """Model output for one sample."""
        self._forward(x, observing=False)
        return self._output()

    def observe(self, x: Array) -> Array:
        """As predict, and running statistics take the sample in first."""
        self._forward(x, observing=True)
        return self._output()

    def update(self, target: Array) -> float:
        """One step for the last sample; the loss before it, NaN where it was refused."""
        program, env = self.program, self._env()
        assert program.loss is not None
        if not self._in_use(target):
            return float("nan")
        env.target = np.asarray(target, self.dtype)
        run_ops([program.loss], self.values, env)
        check = _finite if program.arithmetic == "float32" else _all_finite
        guarded = all(check(self.values[name]) for name in program.guarded)
        if not guarded or not np.isfinite(env.loss):
            return float("nan")
        run_ops(program.backward, self.values, env)
        self.samples += 1
        if self.samples % program.apply_every == 0:
            run_ops(program.apply, self.values, env)
        return env.loss

    def learn(self, x: Array, target: Array) -> float:
        """Forward and one step; the loss before it, NaN where the sample was refused.

        Running statistics take the sample in only where its target can be learnt.
        """
        self._forward(x, observing=self._in_use(target) and _finite(np.asarray(target)))
        return self.update(target)

    def _in_use(self, target: Array) -> bool:
        """Whether a target asks only for outputs that are in use."""
        loss = self.program.loss
        assert loss is not None
        if self.classes is None or not loss.attrs.get("growable"):
            return True
        return self.classes > 0 and not np.any(np.ravel(target)[self.classes :])
