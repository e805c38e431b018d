"""The layers of a model in order, from its program, or from the outline of one that has none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinylearn.importers.outline import OutlineOp, OutlineTensor
from tinylearn.ir.graph import Graph, Op, Program, Tensor
from tinylearn.ops.base import definition
from tinylearn.registry.models.kinds import activation_of, kind_of, kind_of_code


@dataclass(frozen=True)
class End:
    """What goes in or comes out: shape without batch (() where not known), element type, and for
    integers what they stand for: real = scale * (q - zero_point)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None

    @property
    def size(self) -> int | None:
        """Number of elements."""
        count = 1
        for n in self.shape:
            count *= n
        return count if self.shape else None

    @property
    def dimensions(self) -> str:
        """ "28x28x1"."""
        return "x".join(str(n) for n in self.shape)

    def __str__(self) -> str:
        quantized = ""
        if self.scale is not None and self.zero_point is not None:
            sign = "-" if self.zero_point > 0 else "+"
            quantized = f", real = {self.scale:.9g} * (q {sign} {abs(self.zero_point)})"
        return f"{self.dtype} {self.dimensions}".strip() + quantized


@dataclass(frozen=True)
class Layer:
    """``kind`` and ``activation`` as the NN ontology names them. ``macs`` and ``weight_bytes``: None
    where not known."""

    name: str
    kind: str
    activation: str | None
    source: End
    result: End
    macs: int | None = None
    weight_bytes: int | None = None
    learns: bool = False


def end(tensor: Tensor | OutlineTensor) -> End:
    """Of a tensor."""
    if isinstance(tensor, OutlineTensor):
        return End(tensor.shape, tensor.dtype, tensor.scale, tensor.zero_point)
    quant = tensor.quant
    if quant is None or len(quant.scales) != 1:
        return End(tensor.shape, tensor.dtype)
    return End(tensor.shape, tensor.dtype, quant.scale, quant.zero_point)


def layers_of(program: Program) -> tuple[Layer, ...]:
    """What predict() runs, but for copies and what only counts how tensors lie in memory."""
    return tuple(_layer(program.graph, op) for op in _steps(program))


def _steps(program: Program) -> Iterator[Op]:
    """Parts of one concatenation are one step."""
    graph = program.graph
    for op in (*program.forward, *program.output):
        same = definition(op.kind).alias and graph.shape(op.inputs[0]) == graph.shape(op.outputs[0])
        joined = op.kind == "concat_part" and any(
            consumer.kind == op.kind and op.outputs[0] in consumer.inputs[1:]
            for consumer in graph.consumers(op.outputs[0])
        )
        if not same and not joined and op.kind != "copy":
            yield op


def _layer(graph: Graph, op: Op) -> Layer:
    weights = [graph[name] for name in op.inputs if name and graph[name].stored]
    return Layer(
        op.layer or op.name, kind_of(op), activation_of(op, graph),
        end(graph[op.inputs[0]]), end(graph[op.outputs[0]]),
        definition(op.kind).macs(op, graph), sum(w.bytes for w in weights),
        any(w.trainable for w in weights),
    )  # fmt: skip


def layers_of_outline(ops: tuple[OutlineOp, ...]) -> tuple[Layer, ...]:
    """What the file has, in its order."""
    return tuple(
        Layer(op.name, kind_of_code(op.code), None, end(op.source), end(op.result)) for op in ops
    )


def arithmetic_of(program: Program) -> str:
    """What most multiply-accumulates of an inference are of, ``float32`` or ``int8``; of a program
    without any, what it takes in. An int8 network under a small float32 head is ``int8``."""
    if program.arithmetic == "int8":
        return "int8"
    graph, counts = program.graph, {"float32": 0, "int8": 0}
    for op in program.forward:
        kind = "float32" if graph[op.inputs[0]].dtype == "float32" else "int8"
        counts[kind] += definition(op.kind).macs(op, graph)
    if not any(counts.values()):
        return "float32" if program.input.dtype == "float32" else "int8"
    return max(counts, key=lambda kind: counts[kind])
