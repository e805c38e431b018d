"""int8 layers rewritten in float32 to learn: what stands between the first layer that learns and
the output must compute what its integers stand for, and pass gradients."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the schema")
from support.compare import compare
from support.harness import emitted
from support.tflite_models import SAME, VALID, Net

from tinylearn.importers import tflite
from tinylearn.interp import run_graph
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph

ONES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
ZERO, SCALE = -5, 0.05


def conv(net: Net, x: int, filters: int, k: int = 1, **options: int) -> int:
    rng = np.random.default_rng(filters + k)
    w = net.constant(rng.integers(-127, 128, (filters, k, k, 3)).astype(np.int8), 0.006)
    b = net.constant(np.zeros(filters, np.int32), 0.05 * 0.006)
    return net.op("CONV_2D", [x, w, b], (), SCALE, ZERO, **{**ONES, "padding": SAME, **options})


def excite(net: Net, x: int) -> int:
    """x * hard_swish(mean of x), less its own mean over channels."""
    gate = net.op("MEAN", [x, net.ints(1, 2)], (), SCALE, ZERO, keepDims=True)
    gate = net.op("HARD_SWISH", [gate], (), SCALE, ZERO)
    y = net.op("MUL", [gate, x], (), 0.1, 3)
    mean = net.op("MEAN", [y, net.ints(3)], (), SCALE, ZERO, keepDims=True)
    return net.op("SUB", [mean, y], (), 0.1, 3)


def shifted(net: Net, x: int) -> int:
    pooled = net.op("MAX_POOL_2D", [x], (), SCALE, ZERO, filterHeight=1, filterWidth=4, strideH=1,
                    strideW=1, padding=VALID)  # fmt: skip
    return net.op("ADD", [pooled, x], (), 0.1, 3)


def dilated(net: Net, x: int) -> int:
    return conv(net, x, 3, 2, dilationHFactor=2, dilationWFactor=3)


BODIES = {"excite": excite, "shifted": shifted, "dilated": dilated}


@pytest.fixture(params=BODIES)
def graph(request: pytest.FixtureRequest, tmp_path) -> Graph:
    net = Net(request.param)
    x = net.op("QUANTIZE", [net.input((1, 4, 4, 3), dtype="FLOAT32")], (), SCALE, ZERO)
    x = conv(net, x, 3)
    y = BODIES[request.param](net, x)
    mean = net.op("MEAN", [y, net.ints(1, 2)], (), SCALE, ZERO)
    w = net.constant(np.random.default_rng(1).integers(-127, 128, (2, 3)).astype(np.int8), 0.01)
    net.op("FULLY_CONNECTED", [mean, w], (), 0.03, 0)
    path = tmp_path / f"{request.param}.tflite"
    path.write_bytes(net.settled())
    return tflite.load(path)


def test_tail_computes_what_the_integers_stand_for(graph: Graph) -> None:
    program = compile_graph(graph, Choices("all", loss="mse")).program
    assert all(op.kind == "dequantize" or not op.kind.startswith("q_") for op in program.forward)
    rng = np.random.default_rng(0)
    for _ in range(8):
        x = rng.normal(0, 1, (4, 4, 3))
        codes = run_graph(graph, x).astype(np.float64).ravel()
        inner = Graph("tail", program.graph.tensors, program.forward, graph.inputs,
                      (program.forward[-1].outputs[0],))  # fmt: skip
        real = run_graph(inner, x).ravel()
        np.testing.assert_allclose(real, 0.03 * codes, atol=0.2)


def test_tail_learns_as_the_reference_does(graph: Graph, build) -> None:
    (c,) = build(emitted(graph, Choices("all", loss="mse"), f"tail_{graph.name}"))
    assert compare(c, steps=4).worst <= 1e-5
