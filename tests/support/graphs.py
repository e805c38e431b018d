"""Builds small graphs as the importer does: shapes follow from the ops' rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinylearn.ir.graph import Graph, Op, Tensor, frozen_map
from tinylearn.ops.base import definition
from tinylearn.ops.check import checked
from tinylearn.ops.window import window_attrs


class Net:
    """A graph under construction: ``cur`` is the tensor that the next op reads, ``live`` those
    that random graphs may read again."""

    def __init__(self, name: str, shape: tuple[int, ...], seed: int = 0) -> None:
        self.name, self.cur = name, "x"
        self.tensors: dict[str, Tensor] = {"x": Tensor("x", shape)}
        self.ops: list[Op] = []
        self.live = ["x"]
        self.rng = np.random.default_rng(seed)

    def shape(self, tensor: str | None = None) -> tuple[int, ...]:
        return self.tensors[tensor or self.cur].shape

    def store(self, name: str, data: np.ndarray) -> str:
        values = np.ascontiguousarray(data, np.float32)
        self.tensors[name] = Tensor(name, values.shape, "weight", values)
        return name

    def random(self, name: str, *shape: int, fan_in: int = 1) -> str:
        return self.store(name, self.rng.normal(0, 1 / np.sqrt(fan_in), shape))

    def op(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str] = (),
        attrs: Mapping[str, Any] | None = None,
        layer: str | None = None,
    ) -> str:
        """Adds an op on ``inputs`` (default: the current tensor) with one output of its name."""
        layer = name.split("/")[0] if layer is None else layer
        op = Op(
            kind, name, tuple(inputs) or (self.cur,), (name,), frozen_map(attrs or {}), (), layer
        )
        (shape,) = definition(kind).shapes(op, self.graph())
        self.tensors[name] = Tensor(name, tuple(int(n) for n in shape))
        self.ops.append(op)
        self.cur = name
        return name

    def activation(self, name: str, kind: str | None) -> str:
        if kind == "softmax":
            return self.op("softmax", f"{name}/activation")
        if kind is None or kind == "linear":
            return self.cur
        alpha = {"alpha": 0.2} if kind == "leaky_relu" else {}
        return self.op("activation", f"{name}/activation", attrs={"activation": kind, **alpha})

    def dense(self, name: str, units: int, act: str | None = None, bias: bool = True) -> str:
        (n,) = self.shape()
        w = self.random(f"{name}/kernel", units, n, fan_in=n)
        b = self.random(f"{name}/bias", units, fan_in=4) if bias else ""
        self.op("dense", name, (self.cur, w, b))
        return self.activation(name, act)

    def conv(self, name: str, filters: int, kernel: tuple[int, int] = (3, 3),
             strides: tuple[int, int] = (1, 1), padding: str = "valid", act: str | None = None,
             bias: bool = True) -> str:  # fmt: skip
        c = self.shape()[2]
        w = self.random(f"{name}/kernel", filters, *kernel, c, fan_in=kernel[0] * kernel[1] * c)
        b = self.random(f"{name}/bias", filters, fan_in=4) if bias else ""
        self.op("conv2d", name, (self.cur, w, b), window_attrs(kernel, strides, padding))
        return self.activation(name, act)

    def depthwise(self, name: str, multiplier: int = 1, kernel: tuple[int, int] = (3, 3),
                  strides: tuple[int, int] = (1, 1), padding: str = "valid",
                  act: str | None = None, bias: bool = True) -> str:  # fmt: skip
        c = self.shape()[2] * multiplier
        w = self.random(f"{name}/kernel", *kernel, c, fan_in=kernel[0] * kernel[1])
        b = self.random(f"{name}/bias", c, fan_in=4) if bias else ""
        self.op("depthwise_conv2d", name, (self.cur, w, b), window_attrs(kernel, strides, padding))
        return self.activation(name, act)

    def batch_norm(self, name: str) -> str:
        """A frozen batch normalisation as the importer leaves it: scale and shift."""
        c = self.shape()[-1]
        scale = self.store(f"{name}/scale", self.rng.uniform(0.5, 1.5, c))
        return self.op(
            "scale_shift", name, (self.cur, scale, self.random(f"{name}/shift", c, fan_in=4))
        )

    def flatten(self, name: str = "flatten") -> str:
        size = int(np.prod(self.shape()))
        return self.op("reshape", name, attrs={"shape": (size,)})

    def concat(self, name: str, parts: Sequence[str], axis: int) -> str:
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(p)[axis] for p in parts)
        at, begun = 0, ()
        for i, part in enumerate(parts):
            attrs = {"axis": axis, "at": at, "out_shape": tuple(shape)}
            last = i == len(parts) - 1
            made = self.op("concat_part", name if last else f"{name}/{i}", (part, *begun), attrs)
            at, begun = at + self.shape(part)[axis], (made,)
        return self.cur

    def graph(self) -> Graph:
        return Graph(self.name, frozen_map(self.tensors), tuple(self.ops), ("x",), (self.cur,))

    def done(self) -> Graph:
        return checked(self.graph())


def workload(folder: Path, number: int) -> tuple[Graph, Mapping[str, np.ndarray]]:
    """W1, W2 or W3 and the arrays of its file."""
    arrays = dict(np.load(folder / f"w{number}.npz"))
    return {1: _w1, 2: _w2, 3: _w3}[number](arrays).done(), arrays


def _load_dense(net: Net, name: str, kernel: np.ndarray, bias: np.ndarray, act: str | None) -> None:
    w, b = net.store(f"{name}/kernel", kernel.T), net.store(f"{name}/bias", bias)
    net.op("dense", name, (net.cur, w, b))
    net.activation(name, act)


def _load_conv(net: Net, name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    w = net.store(f"{name}/kernel", kernel.transpose(3, 0, 1, 2))
    inputs = (net.cur, w, net.store(f"{name}/bias", bias))
    net.op("conv2d", name, inputs, window_attrs(kernel.shape[:2], (2, 2), "valid"))
    net.activation(name, "relu")


def _w1(a: Mapping[str, np.ndarray]) -> Net:
    net = Net("w1", (1,))
    for i, act in enumerate(("relu", "relu", None)):
        _load_dense(net, f"dense_{i}", a[f"w{i}"], a[f"b{i}"], act)
    return net


def _w2(a: Mapping[str, np.ndarray]) -> Net:
    net = Net("w2", (64,))
    for i, act in enumerate(("relu", "softmax")):
        _load_dense(net, f"dense_{i}", a[f"w{i}"], a[f"b{i}"], act)
    return net


def _w3(a: Mapping[str, np.ndarray]) -> Net:
    net = Net("w3", (28, 28, 1))
    _load_conv(net, "conv_0", a["k0"], a["kb0"])
    _load_conv(net, "conv_1", a["k1"], a["kb1"])
    net.flatten()
    _load_dense(net, "dense", a["w"], a["b"], "softmax")
    return net


def mlp(name: str = "mlp", sizes: Sequence[int] = (5, 6, 4), out: str | None = "softmax",
        hidden: str = "relu", seed: int = 0) -> Graph:  # fmt: skip
    """A dense network with layers dense_0, dense_1, .."""
    net = Net(name, (sizes[0],), seed)
    for i, units in enumerate(sizes[1:]):
        net.dense(f"dense_{i}", units, out if i == len(sizes) - 2 else hidden)
    return net.done()


def behind_a_learning_layer(case: Graph) -> Graph:
    """The case of an op with a layer ``before`` between x and every input of the op, so that
    gradients have somewhere to go."""
    shape = case.shape("x")
    net = Net(case.name, shape, seed=7)
    if len(shape) == 3:
        net.conv("before", shape[2], (1, 1))
    else:
        net.dense("before", shape[0])
    tensors = {**net.tensors, **{k: t for k, t in case.tensors.items() if k != "x"}}
    ops = [
        Op(op.kind, op.name, tuple(net.cur if i == "x" else i for i in op.inputs), op.outputs,
           op.attrs, op.updates, op.layer)
        for op in case.ops
    ]  # fmt: skip
    return checked(
        Graph(case.name, frozen_map(tensors), (*net.ops, *ops), case.inputs, case.outputs)
    )
