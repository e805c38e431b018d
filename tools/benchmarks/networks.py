"""Small networks of random weights, built without TensorFlow, with the initial values that Keras
would give: Glorot uniform kernels, zero biases.
"""

from __future__ import annotations

import numpy as np

from tinylearn.ir.graph import Graph, Op, Tensor, frozen_map
from tinylearn.ops.base import definition
from tinylearn.ops.check import checked
from tinylearn.ops.window import window_attrs


class Network:
    """A chain of layers under construction."""

    def __init__(self, name: str, shape: tuple[int, ...], seed: int) -> None:
        self._name, self._last = name, "x"
        self._tensors = {"x": Tensor("x", shape)}
        self._ops: list[Op] = []
        self._rng = np.random.default_rng(seed)

    def dense(self, units: int, activation: str | None = None, zero: bool = False) -> Network:
        """A layer on all outputs of the one before; ``zero``: with a kernel of zeros."""
        shape = self._tensors[self._last].shape
        if len(shape) > 1:
            self._add("reshape", f"flat_{len(self._ops)}", (), {"shape": (int(np.prod(shape)),)})
        (n,) = self._tensors[self._last].shape
        name = f"dense_{len(self._ops)}"
        kernel = np.zeros((units, n)) if zero else self._glorot((units, n), n, units)
        self._add("dense", name, self._weights(name, kernel, units))
        return self._activation(name, activation)

    def conv(self, filters: int, activation: str, stride: int = 2, side: int = 3) -> Network:
        """A convolution with same padding."""
        channels = self._tensors[self._last].shape[2]
        name = f"conv_{len(self._ops)}"
        area = side * side
        kernel = self._glorot((filters, side, side, channels), area * channels, area * filters)
        attrs = window_attrs((side, side), (stride, stride), "same")
        self._add("conv2d", name, self._weights(name, kernel, filters), attrs)
        return self._activation(name, activation)

    def graph(self) -> Graph:
        """The network so far."""
        return checked(self._graph())

    def _graph(self) -> Graph:
        return Graph(self._name, frozen_map(self._tensors), tuple(self._ops), ("x",), (self._last,))

    def _glorot(self, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        limit = np.sqrt(6 / (fan_in + fan_out))
        return self._rng.uniform(-limit, limit, shape)

    def _weights(self, name: str, kernel: np.ndarray, units: int) -> tuple[str, str]:
        arrays = {f"{name}/kernel": kernel, f"{name}/bias": np.zeros(units)}
        for key, array in arrays.items():
            data = np.ascontiguousarray(array, np.float32)
            self._tensors[key] = Tensor(key, data.shape, "weight", data)
        return tuple(arrays)

    def _activation(self, name: str, kind: str | None) -> Network:
        if kind == "softmax":
            self._add("softmax", f"{name}_activation", (), layer=name)
        elif kind is not None:
            attrs = {"activation": kind}
            self._add("activation", f"{name}_activation", (), attrs, layer=name)
        return self

    def _add(self, kind: str, name: str, weights: tuple[str, ...], attrs: dict | None = None,
             layer: str = "") -> None:  # fmt: skip
        inputs = (self._last, *weights)
        op = Op(kind, name, inputs, (name,), frozen_map(attrs or {}), (), layer or name)
        (shape,) = definition(kind).shapes(op, self._graph())
        self._tensors[name] = Tensor(name, tuple(int(n) for n in shape))
        self._ops.append(op)
        self._last = name
