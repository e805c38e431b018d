"""The rules of the IR: each broken rule is one clear error that names the tensor or op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.graphs import mlp

from tinylearn.errors import BadInputError
from tinylearn.ir.graph import Graph, Op, Tensor, frozen_map
from tinylearn.ops.check import checked


def with_tensor(name: str, **changes: object) -> Graph:
    graph = mlp()
    return graph.with_tensors([replace(graph[name], **changes)])


def ops(graph: Graph, *changed: Op) -> Graph:
    swap = {op.name: op for op in changed}
    return replace(graph, ops=tuple(swap.get(op.name, op) for op in graph.ops))


def first(graph: Graph) -> Op:
    return graph.ops[0]


G = mlp()
BROKEN = {
    "reads before": (replace(G, ops=G.ops[::-1]), "before it is computed"),
    "never made": (replace(G, ops=G.ops[:-1]), "never computed"),
    "made twice": (replace(G, ops=(*G.ops, G.ops[-1])), "a second time"),
    "overwrites x": (ops(G, replace(G.ops[1], outputs=("dense_0",))), "a second time"),
    "missing": (ops(G, replace(first(G), inputs=("x", "gone", ""))), "gone"),
    "wrong shape": (with_tensor("dense_0", shape=(7,)), "should be"),
    "no shape": (with_tensor("dense_0", shape=()), "impossible shape"),
    "zero": (with_tensor("dense_0", shape=(0,)), "impossible shape"),
    "negative": (with_tensor("dense_0", shape=(-6,)), "impossible shape"),
    "fraction": (with_tensor("dense_0", shape=(6.5,)), "impossible shape"),
    "huge": (with_tensor("x", shape=(1 << 29,)), "impossible shape"),
    "wraps to 0": (with_tensor("x", shape=(1 << 32, 1 << 32)), "impossible shape"),
    "wraps to 1": (with_tensor("x", shape=(3, 12297829382473034411)), "impossible shape"),
    "data": (with_tensor("dense_0/bias", data=np.zeros(5, np.float32)), "data"),
    "nan": (with_tensor("dense_0/bias", data=np.full(6, np.nan, np.float32)), "NaN"),
    "inf": (with_tensor("dense_0/bias", data=np.full(6, -np.inf, np.float32)), "infinity"),
    "no input": (replace(G, inputs=()), "exactly one"),
    "two inputs": (
        replace(G, inputs=("x", "x2")).with_tensors([Tensor("x2", (1,))]),
        "exactly one",
    ),
    "no output": (replace(G, outputs=()), "exactly one"),
    "unknown output": (replace(G, outputs=("nowhere",)), "nowhere"),
    "weight as output": (replace(G, outputs=("dense_0/bias",)), "exactly one"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_rule_is_named(rule: str) -> None:
    graph, message = BROKEN[rule]
    with pytest.raises(BadInputError, match=message) as error:
        checked(graph)
    assert "graph mlp" in str(error.value)


def test_valid_graph_is_returned_itself() -> None:
    assert checked(G) is G


def test_graph_questions() -> None:
    assert G.producer("x") is None
    assert G.producer("dense_0").kind == "dense"
    assert [op.name for op in G.consumers("dense_0/activation")] == ["dense_1"]
    assert G.op("dense_1").layer == "dense_1"
    with pytest.raises(BadInputError, match="no op named 'x'"):
        G.op("x")
    with pytest.raises(BadInputError, match="no tensor named 'y'"):
        G["y"]


def test_dropping_ops_drops_their_tensors() -> None:
    shorter = replace(G, outputs=("dense_0/activation",)).with_ops(G.ops[:2])
    assert sorted(shorter.tensors) == [
        "dense_0", "dense_0/activation", "dense_0/bias", "dense_0/kernel", "x"]  # fmt: skip


def test_sizes_in_elements_and_bytes() -> None:
    assert Tensor("t", (3, 4)).size == 12
    assert Tensor("t", (3, 4)).bytes == 48
    assert Tensor("t", (1 << 40, 1 << 40)).size == 1 << 80


def test_graph_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        frozen_map({"a": 1})["a"] = 2  # type: ignore[index]
    with pytest.raises(AttributeError):
        G.name = "other"  # type: ignore[misc]
