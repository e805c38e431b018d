"""Losses of an integer network: the value as a float, the gradient as a block of 12 bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op
from tinylearn.ir.integer import (
    exp_q15,
    exponent_array,
    gap_q8,
    gradient_block,
    ln_q12,
    nearest,
    pow2,
    shifted,
    sigmoid_q15,
    softmax_q15,
)
from tinylearn.ops.base import Arg, Env, Ref, Shape, Symbol, register
from tinylearn.ops.losses import Loss

_GAP = 4095


def _targets_q15(t: Array) -> Array:
    limit = 1 << 16
    with np.errstate(over="ignore"):
        scaled = t.astype(np.float32) * np.float32(32768)
    return np.clip(nearest(scaled), -limit, limit)


def _mean_gradient(d: Array) -> tuple[Array, int]:
    """d / n, shortened, and its exponent."""
    d, exponent = gradient_block(d)
    if d.size == 1:
        return d, exponent
    d, grown = gradient_block(d * (32768 // d.size))
    return d, exponent + grown - 15


class IntegerLoss(Loss):
    """inputs z int16 and its exponent; outputs dz int16 and its exponent."""

    headers = ("kernels/loss_i8.h",)
    inplace = ()
    arithmetic = "int8"

    def shapes(self, op: Op, graph: Graph) -> tuple[Shape, ...]:
        return (graph.shape(op.inputs[0]), (1,))

    def _args(self, op: Op, graph: Graph, target: str) -> tuple[Arg, ...]:
        refs = tuple(Ref(name) for name in (*op.outputs, *op.inputs))
        return (*refs, Symbol(target), graph[op.inputs[0]].size)

    def reference(self, op: Op, args: Sequence[Array | None], env: Env) -> list[Array]:
        z, z_exp = args
        assert z is not None and z_exp is not None and env.target is not None
        t = env.target.ravel().astype(np.float32)
        if not np.isfinite(t).all():
            env.loss = float("nan")
            return [np.zeros_like(z), np.zeros(1, np.int8)]
        loss, d, exponent = self.step(z.ravel().astype(np.int64), int(z_exp[0]), t)
        env.loss = float(loss)
        return [d.astype(np.int16).reshape(z.shape), exponent_array(exponent)]

    def step(self, z: Array, z_exp: int, t: Array) -> tuple[np.float32, Array, int]:
        """Loss, gradient and the gradient's exponent."""
        raise NotImplementedError


@register
class IntegerMeanSquaredError(IntegerLoss):
    """mean((z - t)^2)."""

    kind = "i_mse_loss"
    function = "tl_mse_i8"
    label_function = "tl_mse_label_i8"
    name = "mse"
    enumerator = "TL_LOSS_MSE"

    def step(self, z: Array, z_exp: int, t: Array) -> tuple[np.float32, Array, int]:
        total = np.float32(0)
        with np.errstate(over="ignore"):
            d = z - nearest(t * pow2(-z_exp))
            for real in d.astype(np.float32) * pow2(z_exp):
                total = total + real * real
        d, grown = _mean_gradient(d)
        return np.float32(total / np.float32(z.size)), d, z_exp + 1 + grown


@register
class IntegerCategoricalCrossEntropy(IntegerLoss):
    """-sum(t * log(softmax(z)))."""

    kind = "i_softmax_cross_entropy_loss"
    function = "tl_softmax_cross_entropy_i8"
    label_function = "tl_softmax_cross_entropy_label_i8"
    name = "categorical_crossentropy"
    enumerator = "TL_LOSS_CATEGORICAL"

    def step(self, z: Array, z_exp: int, t: Array) -> tuple[np.float32, Array, int]:
        targets, (p, total) = _targets_q15(t), softmax_q15(z, z_exp)
        loss, gaps = np.float32(0), gap_q8(z, z_exp) * 16 + ln_q12(total)
        for part in ((targets >> 5) * gaps)[targets >> 5 != 0]:
            loss = loss + np.float32(part)
        weight = min(max(int(targets.sum()), 0), 65535)
        d, grown = gradient_block(((p * weight) >> 15) - targets)
        return np.float32(loss * np.float32(1 / 4194304)), d, grown - 15


@register
class IntegerBinaryCrossEntropy(IntegerLoss):
    """mean(-t * log(sigmoid(z)) - (1 - t) * log(1 - sigmoid(z)))."""

    kind = "i_sigmoid_cross_entropy_loss"
    function = "tl_sigmoid_cross_entropy_i8"
    label_function = "tl_sigmoid_cross_entropy_label_i8"
    name = "binary_crossentropy"
    enumerator = "TL_LOSS_BINARY"

    def labels(self, outputs: int) -> int:
        """One output tells two labels apart."""
        return max(outputs, 2)

    def step(self, z: Array, z_exp: int, t: Array) -> tuple[np.float32, Array, int]:
        logits, targets = np.clip(shifted(z, z_exp + 8), -_GAP, _GAP), _targets_q15(t)
        loss = np.float32(0)
        for logit, target in zip(logits.tolist(), targets.tolist(), strict=True):
            one = ln_q12(32768 + int(exp_q15(np.array(abs(logit)))))
            one += max(logit, 0) * 16 - ((logit * (target >> 5)) >> 6)
            loss = loss + np.float32(one) * np.float32(1 / 4096)
        d, exponent = _mean_gradient(sigmoid_q15(logits) - targets)
        return np.float32(loss / np.float32(z.size)), d, exponent - 15
