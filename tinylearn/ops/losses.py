"""Losses: each returns its value and writes the gradient by the model's output.

The cross-entropies start from logits, so that no probability is ever rounded to 0 before
its logarithm is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ops.activation import sigmoid
from tinylearn.ops.base import Arg, Call, Env, OpDef, Ref, Shape, Symbol, register
from tinylearn.ops.softmax import softmax


class Loss(OpDef):
    """input: output or logits [n]; output: gradient [n]. The target is in the environment."""

    inplace: ClassVar[tuple[tuple[int, int], ...]] = ((0, 0),)
    function: str
    label_function: str
    #: name users give, and the enumerator in tinylearn.h
    name: str
    enumerator: str
    #: what it computes in
    arithmetic = "float32"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]),)

    def _args(self, op: Op, graph: Graph, target: str) -> tuple[Arg, ...]:
        n: Arg = Symbol("classes") if op.attrs.get("growable") else graph[op.inputs[0]].size
        return (Ref(op.outputs[0]), Ref(op.inputs[0]), Symbol(target), n)

    def call(self, op: Op, graph: Graph) -> Call:
        return Call(self.function, self._args(op, graph, "target"))

    def label_call(self, op: Op, graph: Graph) -> Call:
        """The call for a label in place of a target vector."""
        return Call(self.label_function, self._args(op, graph, "label"))

    def labels(self, outputs: int) -> int:
        """How many labels a model with so many outputs can tell apart."""
        return outputs

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        z = args[0]
        assert z is not None and env.target is not None
        growable = op.attrs.get("growable") and env.classes is not None
        n = env.classes if growable else z.size
        delta = np.zeros_like(z)
        if not n:
            env.loss = float("nan")
            return [delta]
        env.loss, used = self.value(z.ravel()[:n], env.target.ravel()[:n].astype(z.dtype))
        delta.ravel()[:n] = used
        return [delta]

    def value(self, z: Array, t: Array) -> tuple[float, Array]:
        """Loss and gradient by z."""
        raise NotImplementedError


@register
class MeanSquaredError(Loss):
    """mean((y - t)^2)."""

    kind = "mse_loss"
    headers = ("kernels/loss_mse_f32.h",)
    function = "tl_mse_f32"
    label_function = "tl_mse_label_f32"
    name = "mse"
    enumerator = "TL_LOSS_MSE"

    def value(self, z: Array, t: Array) -> tuple[float, Array]:
        return float(np.mean((z - t) ** 2)), 2 * (z - t) / z.size


@register
class CategoricalCrossEntropy(Loss):
    """-sum(t * log(softmax(z)))."""

    kind = "softmax_cross_entropy_loss"
    headers = ("kernels/loss_softmax_cross_entropy_f32.h",)
    function = "tl_softmax_cross_entropy_f32"
    label_function = "tl_softmax_cross_entropy_label_f32"
    name = "categorical_crossentropy"
    enumerator = "TL_LOSS_CATEGORICAL"

    def value(self, z: Array, t: Array) -> tuple[float, Array]:
        shifted = z - z.max()
        log_p = shifted - np.log(np.exp(shifted).sum())
        return float(-(t * log_p).sum()), softmax(z) * t.sum() - t


@register
class BinaryCrossEntropy(Loss):
    """mean(-t * log(sigmoid(z)) - (1 - t) * log(1 - sigmoid(z)))."""

    kind = "sigmoid_cross_entropy_loss"
    headers = ("kernels/loss_sigmoid_cross_entropy_f32.h",)
    function = "tl_sigmoid_cross_entropy_f32"
    label_function = "tl_sigmoid_cross_entropy_label_f32"
    name = "binary_crossentropy"
    enumerator = "TL_LOSS_BINARY"

    def labels(self, outputs: int) -> int:
        """One output tells two labels apart."""
        return max(outputs, 2)

    def value(self, z: Array, t: Array) -> tuple[float, Array]:
        per_output = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
        return float(np.mean(per_output)), (sigmoid(z) - t) / z.size
