"""The rules every graph obeys, run after the importer and after every pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Graph, Op

ShapeRule = Callable[[Op, Graph], tuple[tuple[int, ...], ...]]

#: Far above any microcontroller; keeps sizes of hostile models inside 32 bits.
MAX_ELEMENTS = 1 << 28


def verify(graph: Graph, shape_rule: ShapeRule) -> Graph:
    """Returns the graph unchanged; raises BadInputError naming the first broken rule."""
    _verify_ends(graph)
    _verify_tensors(graph)
    defined = set(graph.inputs) | {t.name for t in graph.tensors.values() if t.stored}
    for op in graph.ops:
        _verify_op(graph, op, defined, shape_rule)
        defined.update(op.outputs)
    for name in graph.outputs:
        if name not in defined:
            raise BadInputError(f"graph {graph.name}: output {name!r} is never computed")
    return graph


def _verify_ends(graph: Graph) -> None:
    for kind, names in (("input", graph.inputs), ("output", graph.outputs)):
        if len(names) != 1 or graph[names[0]].stored:
            shown = ", ".join(names) or "none"
            raise BadInputError(
                f"graph {graph.name}: needs exactly one computed {kind}, has {shown}"
            )


def _verify_tensors(graph: Graph) -> None:
    for tensor in graph.tensors.values():
        where = f"graph {graph.name}: tensor {tensor.name!r}"
        whole = all(isinstance(n, int | np.integer) and n > 0 for n in tensor.shape)
        if not tensor.shape or not whole or tensor.size > MAX_ELEMENTS:
            raise BadInputError(f"{where} has an impossible shape {tensor.shape}")
        if tensor.data is not None and tensor.data.shape != tensor.shape:
            raise BadInputError(f"{where}: data {tensor.data.shape} but shape {tensor.shape}")
        if tensor.data is not None and not np.isfinite(tensor.data).all():
            raise BadInputError(f"{where} holds a NaN or an infinity; train the model again")


def _verify_op(graph: Graph, op: Op, defined: set[str], shape_rule: ShapeRule) -> None:
    where = f"graph {graph.name}: op {op.name!r} ({op.kind})"
    for name in (*op.inputs, *op.updates):
        if name and name not in defined:
            raise BadInputError(f"{where} reads {name!r} before it is computed")
    for name in op.outputs:
        if name in defined:
            raise BadInputError(f"{where} computes {name!r} a second time")
    shapes = shape_rule(op, graph)
    for name, shape in zip(op.outputs, shapes, strict=True):
        if graph.shape(name) != tuple(shape):
            raise BadInputError(f"{where}: {name!r} is {graph.shape(name)}, should be {shape}")
