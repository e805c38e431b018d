"""ADD, SUB and MUL of two computed tensors that repeat along each other, against LiteRT."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
import numpy as np
from support.tflite_cases import TYPES, Case, entry, outcome, result, rng_of, zero_of
from support.tflite_models import NONE, RELU, RELU6, RELU_N1_TO_1, VALID, Net

CASES: dict[str, dict[str, Case]] = {}
IMAGE = (1, 4, 5, 3)
#: windows whose maximum leaves [h or 1, w or 1, c] of the image
_PARTS = {"channels": (4, 5), "rows": (1, 5), "columns": (4, 1), "all": (1, 1)}
#: float32 in which neither tensor has the result's shape
REFUSED = {"f32": r"_(rows_columns|columns_rows)$"}


def part(net: Net, x: int, kind: str) -> int:
    k = _PARTS[kind]
    return result(net, "MAX_POOL_2D", [x], 0.0373, -19, filterHeight=k[0], filterWidth=k[1],
                  strideH=1, strideW=1, padding=VALID)  # fmt: skip


def places(net: Net, x: int) -> int:
    """[h, w, 1]: a convolution to one channel."""
    rng, shape = rng_of(3), (1, 1, 1, 3)
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    if net.dtype == "FLOAT32":
        w, b = (net.constant(rng.normal(0, 1, s).astype(np.float32)) for s in (shape, (1,)))
        return net.op("CONV_2D", [x, w, b], **options)
    kind = np.dtype(net.dtype.lower())
    w = net.constant(rng.integers(1, 100, shape).astype(kind), 0.01, 0)
    b = net.constant(np.array([300], np.int32), 0.000373, 0)
    return net.op("CONV_2D", [x, w, b], (), 0.05, zero_of(net, 3), **options)


def joined(net: Net, code: str, first: str, second: str, act: int) -> None:
    x = entry(net, IMAGE)
    ends = [places(net, x) if kind == "places" else part(net, x, kind) for kind in (first, second)]
    result(net, code, ends, 0.083, -30, fusedActivationFunction=act)


def squeeze_and_excite(net: Net, first: bool) -> None:
    """x * sigmoid(mean of x), as [1, 1, c] * [h, w, c]."""
    x = entry(net, IMAGE)
    axes = net.ints(1, 2)
    mean = result(net, "MEAN", [x, axes], 0.02, 5, keepDims=True)
    gate = result(net, "LOGISTIC", [mean], 1 / 256, -128)
    result(net, "MUL", [gate, x] if first else [x, gate], 0.03, -20)


for t in TYPES:
    for i, code in enumerate(("ADD", "SUB", "MUL")):
        group = CASES.setdefault(f"{t}_{code.lower()}", {})
        pairs = [("all", kind) for kind in ("channels", "rows", "columns", "places")]
        pairs += [(b, a) for a, b in pairs]
        pairs += [("rows", "columns"), ("columns", "rows"), ("channels", "rows"), ("all", "all")]
        for j, (a, b) in enumerate(pairs):
            act = (NONE, RELU, RELU_N1_TO_1, RELU6)[(i + j) % 4]
            group[f"{t}_{code.lower()}_{a}_{b}"] = lambda net, c=code, a=a, b=b, f=act: joined(
                net, c, a, b, f
            )
    for at in (0, 1):
        CASES[f"{t}_mul"][f"{t}_excite_{at}"] = lambda net, f=at == 0: squeeze_and_excite(net, f)


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("group", CASES)
def test_repeated_tensors_equal_litert(group: str, rounding: str, build, tmp_path: Path) -> None:
    found = outcome(group, CASES[group], rounding, build, tmp_path)
    assert found.wrong == {}
    refused = REFUSED.get(group.split("_")[0], "$^")
    assert found.refused == {name for name in CASES[group] if re.search(refused, name)}
