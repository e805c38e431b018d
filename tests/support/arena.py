"""Runs a program inside one array, every tensor at its planned place: the plan's severest test.

What the C may do is done: an output is spoilt before the inputs are read unless the op is
declared to work in place, and a tensor is spoilt as soon as the plan says that it is dead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.interp import Interpreter
from tinylearn.ir.graph import Op
from tinylearn.ops.base import definition
from tinylearn.planner.lifetimes import _MUST_SHARE
from tinylearn.planner.plan import Plan


class ArenaInterpreter(Interpreter):
    """The interpreter's verbs over the plan's arena."""

    def __init__(self, plan: Plan, rate: float) -> None:
        super().__init__(plan.program, rate)
        self.plan = plan
        self.arena = np.full(plan.arena // 4, np.nan)
        self.places = {n: s for s in plan.slots for n in s.names}
        self.index = {id(op): i for i, op in enumerate(plan.program.sequence)}
        self.caller = {"input": np.zeros(0), "output": np.full(plan.program.result.size, np.nan)}

    def view(self, name: str) -> np.ndarray:
        """A tensor's memory."""
        tensor, external = self.program.graph[name], self.plan.external.get(name)
        if tensor.stored:
            return self.values[name]
        if external:
            return self.caller[external][: tensor.size].reshape(tensor.shape)
        at = self.plan.offset(name) // 4
        assert at * 4 == self.plan.offset(name)
        return self.arena[at : at + tensor.size].reshape(tensor.shape)

    def _in_place(self, op: Op, output: str) -> list[str]:
        """Inputs whose memory an output may take over while they are read."""
        rule, at = definition(op.kind), op.outputs.index(output)
        if rule.alias:
            return [op.inputs[0]]
        allowed = [op.inputs[i] for o, i in rule.inplace if o == at and i < len(op.inputs)]
        must = _MUST_SHARE.get(op.kind)
        return allowed if must is None or must >= len(op.inputs) else [op.inputs[must]]

    def _step(self, op: Op, env: object) -> None:
        for output in op.outputs:
            mine, shared = self.view(output), self._in_place(op, output)
            overlapping = [n for n in op.inputs if n and np.shares_memory(mine, self.view(n))]
            assert len(overlapping) <= 1, f"{op.name}: {output} lies over {overlapping}"
            assert set(overlapping) <= set(shared), f"{op.name}: {output} lies over {overlapping}"
            if not overlapping:
                mine[...] = np.nan
            else:
                assert (
                    mine.ravel()[:1].ctypes.data
                    == self.view(overlapping[0]).ravel()[:1].ctypes.data
                )
        args = [self.view(n).copy() if n else None for n in (*op.inputs, *op.updates)]
        results = definition(op.kind).reference(op, args, env)
        for name, value in zip((*op.outputs, *op.updates), results, strict=True):
            self.view(name)[...] = value
        self._bury(self.index[id(op)])

    def _bury(self, step: int) -> None:
        """Spoils what the plan says is dead after a step."""
        for slot in self.plan.slots:
            if slot.last == step:
                self.arena[slot.offset // 4 : (slot.offset + slot.bytes) // 4] = np.nan

    def _run(self, ops: Sequence[Op], env: object) -> None:
        for op in ops:
            self._step(op, env)

    def _take(self, x: np.ndarray, observing: bool) -> None:
        self.caller["input"] = np.asarray(x, np.float64).ravel()
        self._run(self.program.forward, self._env(observing))

    def predict(self, x: np.ndarray) -> np.ndarray:
        self._take(x, observing=False)
        self._run(self.program.output, self._env())
        return self.view(self.program.result.name).copy()

    def observe(self, x: np.ndarray) -> np.ndarray:
        self._take(x, observing=True)
        self._run(self.program.output, self._env())
        return self.view(self.program.result.name).copy()

    def update(self, target: np.ndarray) -> float:
        env = self._env()
        env.target = np.asarray(target, np.float64)
        self._run([self.program.loss], env)
        for name in self.program.guarded:
            assert np.isfinite(self.view(name)).all(), f"{name} is dead when it is checked"
        self._run(self.program.backward, env)
        self.samples += 1
        if self.samples % self.program.apply_every == 0:
            self._run(self.program.apply, env)
        return env.loss

    def learn(self, x: np.ndarray, target: np.ndarray) -> float:
        self._take(x, observing=True)
        return self.update(target)
