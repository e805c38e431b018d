"""Turns the end of a quantized network into float32, so that it can learn.

What stands before the first layer that learns stays int8; a dequantize op is the seam. The
weights start from what their integers stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinylearn.errors import UnsupportedError
from tinylearn.ir.graph import Array, Graph, Op, Tensor, frozen_map
from tinylearn.passes.prune import prune
from tinylearn.passes.select_trainable import chosen_layers

#: quantized layers with weights, and the float layer each becomes
WEIGHTED = {
    "q_dense": "dense",
    "q_conv2d": "conv2d",
    "q_depthwise_conv2d": "depthwise_conv2d",
}
_SAME = {
    "q_softmax": "softmax",
    "q_max_pool": "max_pool",
    "q_average_pool": "average_pool",
    "reshape": "reshape",
}
_FUNCTIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "relu6": "relu6",
              "relu_n1_to_1": "relu_n1_to_1", "relu_0_to_1": "relu_0_to_1",
              "leaky_relu": "leaky_relu"}  # fmt: skip
#: the float op of two tensors, and the one with the operands exchanged
_ARITHMETIC = {
    "q_add": ("add_broadcast", "add_broadcast"),
    "q_mul": ("multiply", "multiply"),
    "q_sub": ("subtract", "subtract_from"),
}
#: ops that only change how the same numbers are written
_IDENTITY = ("dequantize", "quantize", "flip_sign")
_WINDOW = ("kernel", "strides", "padding", "dilation", "shape")


def from_int8(tensor: Tensor) -> dict[str, Any]:
    """Attributes of the op that makes floats of a quantized tensor."""
    if tensor.quant is None:
        raise UnsupportedError(f"tensor {tensor.name}: it has no scale; learn behind another one")
    return {"in_scales": (tensor.quant.scale,), "in_zeros": (tensor.quant.zero_point,)}


@dataclass
class _Rewrite:
    """The new ops and tensors, and what each old tensor is called now."""

    graph: Graph
    ops: list[Op] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    real: dict[str, str] = field(default_factory=dict)

    def floats(self, name: str) -> str:
        """The float version of a tensor: a dequantize op where there is none yet."""
        source = self.graph[name]
        if name not in self.real and source.dtype == "float32":
            return name
        if name not in self.real:
            out = self.tensor(f"{name}/real", source.shape)
            attrs = frozen_map(from_int8(source))
            self.ops.append(Op("dequantize", out, (name,), (out,), attrs, (), f"{name}/real"))
            self.real[name] = out
        return self.real[name]

    def tensor(self, name: str, shape: tuple[int, ...], data: Array | None = None) -> str:
        role = "activation" if data is None else "weight"
        self.tensors[name] = Tensor(name, shape, role, data)  # type: ignore[arg-type]
        return name

    def add(self, op: Op, kind: str, inputs: tuple[str, ...], attrs: Mapping[str, Any]) -> str:
        """A float op in place of ``op``."""
        out = self.tensor(f"{op.outputs[0]}/float", self.graph.shape(op.outputs[0]))
        self.ops.append(Op(kind, out, inputs, (out,), frozen_map(attrs), (), op.layer))
        return out


def _weights(rewrite: _Rewrite, op: Op) -> tuple[str, str]:
    """Float kernel and bias of a quantized layer."""
    kernel, rows = rewrite.graph[op.inputs[1]], rewrite.graph[op.inputs[2]].data
    assert kernel.data is not None and rows is not None and kernel.quant is not None
    channel = kernel.data.ndim - 1 if op.kind == "q_depthwise_conv2d" else 0
    others = tuple(a for a in range(kernel.data.ndim) if a != channel)
    centred = kernel.data.astype(np.float64) - op.attrs.get("w_zero", 0)
    scales = np.broadcast_to(np.asarray(kernel.quant.scales), (len(rows),))
    bias = rows[:, 0] + op.attrs["in_zeros"][0] * centred.sum(axis=others)
    shaped = [1] * kernel.data.ndim
    shaped[channel] = len(rows)
    values = (centred * scales.reshape(shaped)).astype(np.float32)
    biases = (bias * scales * op.attrs["in_scales"][0]).astype(np.float32)
    return (rewrite.tensor(f"{op.layer}/kernel", values.shape, values),
            rewrite.tensor(f"{op.layer}/bias", biases.shape, biases))  # fmt: skip


def _fused_activation(op: Op) -> str:
    """The activation that an output clamp stands for: an output that starts at zero is a ReLU."""
    low, high, zero = op.attrs["out_min"], op.attrs["out_max"], op.attrs["out_zero"]
    if low != zero:
        return "linear"
    top = (high - zero) * op.attrs["out_scale"]
    six = abs(top - 6.0) <= op.attrs["out_scale"]
    return "relu6" if six and high < np.iinfo(np.int8).max else "relu"


def _layer(rewrite: _Rewrite, op: Op) -> str:
    attrs = {k: op.attrs[k] for k in _WINDOW if k in op.attrs}
    inputs = (rewrite.floats(op.inputs[0]), *_weights(rewrite, op))
    return _activated(rewrite, op, rewrite.add(op, WEIGHTED[op.kind], inputs, attrs))


def _activated(rewrite: _Rewrite, op: Op, out: str) -> str:
    activation = _fused_activation(op)
    if activation == "linear":
        return out
    name = rewrite.tensor(f"{out}/activation", rewrite.tensors[out].shape)
    attrs = frozen_map({"activation": activation})
    rewrite.ops.append(Op("activation", name, (out,), (name,), attrs, (), op.layer))
    return name


def _same(rewrite: _Rewrite, op: Op) -> str:
    attrs = {k: op.attrs[k] for k in _WINDOW if k in op.attrs}
    values = (n for n in op.inputs if not rewrite.graph[n].stored or rewrite.graph[n].quant)
    return rewrite.add(op, _SAME[op.kind], tuple(map(rewrite.floats, values)), attrs)


def _mean(rewrite: _Rewrite, op: Op) -> str:
    x = (rewrite.floats(op.inputs[0]),)
    if "axes" not in op.attrs:
        return rewrite.add(op, "global_average_pool", x, {})
    return rewrite.add(op, "reduce", x, {"axes": op.attrs["axes"], "mean": 1})


def _arithmetic(rewrite: _Rewrite, op: Op) -> str:
    """The operand of the result's shape comes first."""
    shapes = [rewrite.graph.shape(name) for name in op.inputs]
    full = rewrite.graph.shape(op.outputs[0])
    if full not in shapes:
        raise UnsupportedError(f"layer {op.layer}: {shapes[0]} and {shapes[1]} repeat along each "
                               "other; learn fewer layers")  # fmt: skip
    first = shapes.index(full)
    alike = op.kind == "q_add" and shapes[0] == shapes[1]
    parts = (rewrite.floats(op.inputs[first]), rewrite.floats(op.inputs[1 - first]))
    out = rewrite.add(op, "add" if alike else _ARITHMETIC[op.kind][first], parts, {})
    return _activated(rewrite, op, out)


def _table(rewrite: _Rewrite, op: Op) -> str:
    function, x = op.attrs["function"], rewrite.floats(op.inputs[0])
    if function in ("requantize", "rescale_uint8"):
        return x
    if function == "hard_swish":
        return rewrite.add(op, "hard_swish", (x,), {})
    if function not in _FUNCTIONS:
        raise UnsupportedError(f"layer {op.layer}: {function} cannot learn; learn fewer layers")
    attrs = {"activation": _FUNCTIONS[function]}
    attrs |= {"alpha": op.attrs["alpha"]} if "alpha" in op.attrs else {}
    return rewrite.add(op, "activation", (x,), attrs)


def _identity(rewrite: _Rewrite, op: Op) -> str:
    return rewrite.floats(op.inputs[0])


_RULES: dict[str, Callable[[_Rewrite, Op], str]] = {
    **dict.fromkeys(WEIGHTED, _layer),
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    "q_mean": _mean,
    **dict.fromkeys(_IDENTITY, _identity),
    "lut": _table,
}


def _convert(rewrite: _Rewrite, op: Op) -> None:
    rule = _RULES.get(op.kind)
    touched = any(n in rewrite.real or rewrite.graph[n].dtype != "float32" for n in op.inputs if n)
    if rule is not None and touched:
        rewrite.real[op.outputs[0]] = rule(rewrite, op)
    elif any(name in rewrite.real for name in op.inputs):
        renamed = tuple(rewrite.real.get(name, name) for name in op.inputs)
        rewrite.ops.append(replace(op, inputs=renamed))
    elif touched:
        raise UnsupportedError(
            f"layer {op.layer}: {op.kind} has no float32 form to learn behind; learn fewer layers"
        )
    else:
        rewrite.ops.append(op)


def _first_learning(graph: Graph, selection: str) -> int | None:
    """Index of the first quantized op that learns; None where no quantized op does."""
    weighted = [op.layer or op.name for op in graph.ops if op.kind in WEIGHTED]
    if not weighted:
        return None
    chosen = chosen_layers(selection, list(dict.fromkeys(weighted)))
    found = (i for i, op in enumerate(graph.ops) if (op.layer or op.name) in chosen)
    return next(found, None)


def float_tail(graph: Graph, selection: str) -> Graph:
    """The graph with everything from the first layer that learns on in float32."""
    first = _first_learning(graph, selection)
    if first is None:
        return graph
    rewrite = _Rewrite(graph, list(graph.ops[:first]))
    for op in graph.ops[first:]:
        _convert(rewrite, op)
    outputs = tuple(rewrite.real.get(name, name) for name in graph.outputs)
    result = graph.with_tensors(rewrite.tensors.values())
    return prune(replace(result, ops=tuple(rewrite.ops), outputs=outputs))
