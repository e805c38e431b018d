"""One-op graphs with seeded weights, for the ops' ``cases``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinylearn.ir.graph import Array, Graph, Op, Role, Tensor, frozen_map
from tinylearn.ops.base import Shape, definition


def random_array(shape: Shape, seed: int) -> Array:
    """Values around 0 of the size that trained weights have."""
    values = np.random.default_rng(seed).normal(0, 0.5, shape)
    return values.astype(np.float32)


def _weight(name: str, shape: Shape, role: Role, seed: int) -> Tensor:
    data = np.zeros(shape, np.float32) if role == "statistic" else random_array(shape, seed)
    return Tensor(name, shape, role, data)


def case(
    kind: str,
    shape: Shape,
    weights: Sequence[Shape] = (),
    attrs: Mapping[str, Any] | None = None,
    statistics: Sequence[Shape] = (),
    inputs: int = 1,
) -> Graph:
    """A graph of a single op of ``kind`` on one input, read ``inputs`` times."""
    stored = [_weight(f"layer/w{i}", s, "weight", i) for i, s in enumerate(weights)]
    stats = [_weight(f"layer/s{i}", s, "statistic", i) for i, s in enumerate(statistics)]
    reads = ("x",) * inputs + tuple(t.name for t in stored)
    op = Op(
        kind,
        "layer",
        reads,
        ("layer",),
        frozen_map(attrs or {}),
        tuple(t.name for t in stats),
        "layer",
    )
    tensors = {t.name: t for t in (Tensor("x", shape), *stored, *stats, Tensor("layer", (1,)))}
    graph = Graph(kind, frozen_map(tensors), (op,), ("x",), ("layer",))
    return graph.with_tensors([Tensor("layer", definition(kind).shapes(op, graph)[0])])


def dilated(kernel: Shape, dilation: Shape) -> list[dict[str, Any]]:
    """The same with gaps between the taps."""
    return [{**attrs, "dilation": dilation} for attrs in windows(kernel)]


def windows(kernel: Shape) -> list[dict[str, Any]]:
    """Attributes of a window op: both paddings, strides 1 and 2, unequal strides."""
    return [
        {"kernel": kernel, "strides": strides, "padding": padding}
        for padding in ("same", "valid")
        for strides in ((1, 1), (2, 2), (1, 2))
    ]
