"""Edits at the ends of a network: a new last layer, more outputs, standardised inputs.

This is TinyOL's setting (Ren, Anicic, Runkler 2021): a frozen network, and a small layer
behind it that learns on the device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tinylearn.errors import UsageError
from tinylearn.ir.graph import Array, Graph, Op, Role, Tensor, frozen_map
from tinylearn.passes.float_tail import WEIGHTED, from_int8
from tinylearn.passes.prune import prune
from tinylearn.passes.select_trainable import weights_of

MAX_OUTPUTS = 65535
_ACTIVATIONS = ("softmax", "sigmoid", "linear")


@dataclass(frozen=True)
class Head:
    """A new dense layer: outputs at the start, activation, and the tensor it reads."""

    outputs: int
    activation: str = "softmax"
    at: str = "output"
    reconstruction_error: bool = False
    standardize: bool = False


def parse_head(spec: str) -> tuple[int, str]:
    """ "dense:10" or "dense:10:softmax" as (outputs, activation)."""
    kind, _, rest = spec.partition(":")
    count, _, activation = rest.partition(":")
    activation = activation or "softmax"
    counted = count.isdecimal() and len(count) <= 9 and int(count) <= MAX_OUTPUTS
    if kind != "dense" or not counted or activation not in _ACTIVATIONS:
        raise UsageError(
            f"--head {spec}: write dense:OUTPUTS or dense:OUTPUTS:{'|'.join(_ACTIVATIONS)}, "
            f"with at most {MAX_OUTPUTS} outputs"
        )
    return int(count), activation


class _Editor:
    """Appends ops to a graph."""

    def __init__(self, graph: Graph) -> None:
        self.name, self.inputs = graph.name, graph.inputs
        self.tensors, self.ops = dict(graph.tensors), list(graph.ops)

    def graph(self, outputs: tuple[str, ...]) -> Graph:
        return Graph(self.name, frozen_map(self.tensors), tuple(self.ops), self.inputs, outputs)

    def store(self, name: str, data: Array, role: Role = "weight") -> str:
        self.tensors[name] = Tensor(name, data.shape, role, data.astype(np.float32))
        return name

    def add(self, kind: str, name: str, inputs: tuple[str, ...], shape: tuple[int, ...],
            attrs: dict[str, object] | None = None, updates: tuple[str, ...] = ()) -> str:  # fmt: skip
        if name in self.tensors:
            raise UsageError(f"model {self.name}: it already has a tensor named {name}")
        self.tensors[name] = Tensor(name, shape)
        self.ops.append(
            Op(kind, name, inputs, (name,), frozen_map(attrs or {}), updates, name.split("/")[0])
        )
        return name

    def real(self, tensor: str) -> str:
        """The tensor as floats."""
        source = self.tensors[tensor]
        if source.dtype == "float32":
            return tensor
        if f"{tensor}/real" in self.tensors:
            return f"{tensor}/real"
        return self.add("dequantize", f"{tensor}/real", (tensor,), source.shape, from_int8(source))

    def flat(self, tensor: str) -> str:
        """The tensor as one axis."""
        shape, size = self.tensors[tensor].shape, self.tensors[tensor].size
        if len(shape) == 1:
            return tensor
        return self.add("reshape", f"{tensor}/flat", (tensor,), (size,), {"shape": (size,)})

    def standardized(self, tensor: str, name: str) -> str:
        """The tensor behind running standardisation."""
        shape, size = self.tensors[tensor].shape, self.tensors[tensor].size
        stats = self.store(f"{name}/statistics", np.zeros(1 + 2 * size), "statistic")
        return self.add("standardize", name, (tensor,), shape, updates=(stats,))

    def concat(self, parts: tuple[str, str], name: str) -> str:
        """Two vectors as one."""
        sizes = [self.tensors[p].size for p in parts]
        out = (sum(sizes),)
        first = {"axis": 0, "at": 0, "out_shape": out}
        begun = self.add("concat_part", f"{name}/0", parts[:1], out, dict(first))
        rest = {**first, "at": sizes[0]}
        return self.add("concat_part", name, (parts[1], begun), out, dict(rest))


def _has_weights(graph: Graph, op: Op) -> bool:
    return bool(weights_of(graph, op)) or op.kind in WEIGHTED


def _feature_tensor(graph: Graph, at: str) -> str:
    """The tensor that a head reads: "output", "features", or the output of a layer."""
    if at == "output":
        return graph.outputs[0]
    if at == "features":
        last = next((op for op in reversed(graph.ops) if _has_weights(graph, op)), None)
        if last is None:
            raise UsageError(f"model {graph.name}: it has no layer to replace")
        return last.inputs[0]
    outputs = [op.outputs[0] for op in graph.ops if op.layer == at]
    if not outputs:
        layers = ", ".join(dict.fromkeys(op.layer for op in graph.ops))
        raise UsageError(f"--at {at}: no such layer; the model has {layers}")
    return outputs[-1]


def attach_head(graph: Graph, head: Head) -> Graph:
    """The frozen graph up to ``head.at``, and a new, zeroed dense layer behind it."""
    editor, features = _Editor(graph), _feature_tensor(graph, head.at)
    features = editor.flat(editor.real(features))
    if head.reconstruction_error:
        ends = (editor.real(graph.inputs[0]), editor.real(graph.outputs[0]))
        error = editor.add("squared_error", "reconstruction_error", ends, (1,))
        features = editor.concat((features, error), "features")
    if head.standardize:
        features = editor.standardized(features, "standardize")
    rows = max(head.outputs, 1)
    kernel = editor.store("head/kernel", np.zeros((rows, editor.tensors[features].size)))
    bias = editor.store("head/bias", np.zeros(rows))
    out = editor.add("dense", "head", (features, kernel, bias), (rows,))
    if head.activation == "softmax":
        out = editor.add("softmax", "head/activation", (out,), (rows,))
    elif head.activation != "linear":
        out = editor.add("activation", "head/activation", (out,), (rows,),
                         {"activation": head.activation})  # fmt: skip
    return prune(editor.graph((out,)))


def standardize_input(graph: Graph) -> Graph:
    """The graph with its input behind running standardisation. An autoencoder's error is then
    that of the standardised input, which is what the autoencoder sees."""
    editor, x = _Editor(graph), graph.inputs[0]
    if graph[x].dtype != "float32":
        raise UsageError(
            f"--standardize input: model {graph.name} takes {graph[x].dtype}, which its first layer "
            "reads as it is; use --standardize features"
        )
    editor.ops = []
    scaled = editor.standardized(x, "standardize_input")
    for op in graph.ops:
        inputs = tuple(scaled if name == x else name for name in op.inputs)
        editor.ops.append(replace(op, inputs=inputs))
    return editor.graph(graph.outputs)


def grow_output(graph: Graph, max_classes: int) -> Graph:
    """The graph with its last dense layer widened to ``max_classes`` rows, growable."""
    softmax = graph.producer(graph.outputs[0])
    dense = graph.producer(softmax.inputs[0]) if softmax and softmax.kind == "softmax" else None
    if softmax is None or dense is None or dense.kind != "dense":
        raise UsageError(
            f"--max-classes: model {graph.name} must end in a Dense layer with softmax"
        )
    rows = graph.shape(dense.inputs[1])[0]
    if not rows <= max_classes <= MAX_OUTPUTS:
        raise UsageError(f"--max-classes {max_classes}: must be from {rows} to {MAX_OUTPUTS}")
    widened = [_widened(graph[w], max_classes) for w in dense.inputs[1:] if w]
    outputs = [replace(graph[op.outputs[0]], shape=(max_classes,)) for op in (dense, softmax)]
    swap = {
        dense.name: dense.with_attrs(growable=True),
        softmax.name: softmax.with_attrs(growable=True),
    }
    return graph.with_tensors([*widened, *outputs]).with_ops(
        swap.get(op.name, op) for op in graph.ops
    )


def _widened(tensor: Tensor, rows: int) -> Tensor:
    assert tensor.data is not None
    data = np.zeros((rows, *tensor.shape[1:]), np.float32)
    data[: len(tensor.data)] = tensor.data
    return replace(tensor, shape=data.shape, data=data)
