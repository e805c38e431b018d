"""Dilated convolutions around SPACE_TO_BATCH_ND, and FULLY_CONNECTED on rows, against LiteRT."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
import numpy as np
from support.tflite_cases import TYPES, Case, entry, outcome, result, rng_of, zero_of
from support.tflite_models import SAME, VALID, Net

from tinylearn.errors import UnsupportedError
from tinylearn.importers import tflite

CASES: dict[str, dict[str, Case]] = {}
ONES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def weights(net: Net, shape: tuple[int, ...], count: int) -> list[int]:
    """Of a layer, and its biases."""
    rng = rng_of(*shape)
    if net.dtype == "FLOAT32":
        ends = rng.normal(0, 0.4, shape), rng.normal(0, 0.5, count)
        return [net.constant(e.astype(np.float32)) for e in ends]
    low, high, kind = (0, 256, np.uint8) if net.dtype == "UINT8" else (-127, 128, np.int8)
    values = rng.integers(low, high, shape).astype(kind)
    biases = rng.integers(-900, 900, count).astype(np.int32)
    return [net.constant(values, 0.011, zero_of(net, 0)),
            net.constant(biases, np.float32(0.0373) * np.float32(0.011))]  # fmt: skip


def dilated(net: Net, code: str, shape: tuple[int, ...], w: tuple[int, ...], block: list[int],
            pads: list[list[int]], crops: list[list[int]], pad: int = VALID) -> int:  # fmt: skip
    depthwise = code == "DEPTHWISE_CONV_2D"
    x = entry(net, shape)
    apart = result(net, "SPACE_TO_BATCH_ND", [x, net.ints(block), net.ints(pads)], 0.0373, -19)
    line = len(block) == 1
    if line:
        apart = result(
            net, "EXPAND_DIMS", [apart, net.constant(np.array(-3, np.int32))], 0.0373, -19
        )
    options = {**ONES, "padding": pad, **({"depthMultiplier": 1} if depthwise else {})}
    ends = [apart, *weights(net, w, w[-1] if depthwise else w[0])]
    y = result(net, code, ends, 0.15, 5, fusedActivationFunction=1, **options)
    if line:
        y = result(net, "SQUEEZE", [y], 0.15, 5, squeezeDims=[1])
    return result(net, "BATCH_TO_SPACE_ND", [y, net.ints(block), net.ints(crops)], 0.15, 5)


def rows(net: Net, shape: tuple[int, ...], count: int) -> None:
    ends = [entry(net, shape), *weights(net, (count, shape[-1]), count)]
    result(net, "FULLY_CONNECTED", ends, 0.05, 7, keepNumDims=True, fusedActivationFunction=1)


IMAGE, LINE = (1, 8, 9, 3), (1, 15, 3)
CHAINS = {
    "same": ("CONV_2D", IMAGE, (4, 3, 3, 3), [2, 3], [[2, 2], [3, 3]], [[0, 0], [0, 0]]),
    "cropped": ("CONV_2D", IMAGE, (4, 3, 3, 3), [3, 2], [[3, 4], [2, 3]], [[0, 1], [0, 1]]),
    "valid": ("CONV_2D", IMAGE, (4, 2, 3, 3), [2, 3], [[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    "uneven": ("CONV_2D", IMAGE, (4, 2, 3, 3), [2, 3], [[1, 3], [2, 4]], [[0, 1], [0, 2]]),
    "depthwise": ("DEPTHWISE_CONV_2D", IMAGE, (1, 3, 3, 3), [2, 2], [[2, 2], [2, 3]],
                  [[0, 0], [0, 1]]),
    "line": ("CONV_2D", LINE, (4, 1, 3, 3), [3], [[3, 3]], [[0, 0]]),
    "line_causal": ("CONV_2D", LINE, (4, 1, 3, 3), [2], [[4, 1]], [[0, 1]]),
}  # fmt: skip

for t in TYPES:
    group = CASES.setdefault(f"{t}_batched", {})
    for name, arguments in CHAINS.items():
        group[f"{t}_{name}"] = lambda net, a=arguments: dilated(net, *a)
    for i, shape in enumerate(((1, 7, 5), (1, 3, 4, 6), (1, 4, 1))):
        group[f"{t}_rows_{i}"] = lambda net, s=shape: rows(net, s, 5)


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("group", CASES)
def test_chains_equal_litert(group: str, rounding: str, build, tmp_path: Path) -> None:
    found = outcome(group, CASES[group], rounding, build, tmp_path)
    vectors = {n for n, s in found.steps.items() if rounding == "double" and s <= 1}
    assert {n for n in found.wrong if "depthwise" not in n or n not in vectors} == set()
    assert found.refused == set()


@pytest.mark.parametrize("damage", ["same_padding", "front_crop", "other_block", "read_twice"])
def test_other_chains_are_refused_by_name(damage: str, tmp_path: Path) -> None:
    net = Net()
    pads, crops = [[2, 2], [2, 3]], [[0, 0], [0, 1]]
    if damage == "front_crop":
        pads, crops = [[2, 2], [3, 2]], [[0, 0], [1, 0]]
    y = dilated(net, "CONV_2D", IMAGE, (4, 3, 3, 3), [2, 2], pads, crops,
                SAME if damage == "same_padding" else VALID)  # fmt: skip
    if damage == "read_twice":
        result(net, "BATCH_TO_SPACE_ND", [y - 3, net.ints(2, 2), net.ints(crops)], 0.15, 5)
    path = tmp_path / "net.tflite"
    path.write_bytes(net.settled())
    if damage == "other_block":
        content = path.read_bytes().replace(
            np.array([2, 2], "<i4").tobytes(), b"\2\0\0\0\4\0\0\0", 1
        )
        path.write_bytes(content)
    with pytest.raises(
        UnsupportedError, match=r"operator 0 \(SPACE_TO_BATCH_ND\): supported: both"
    ):
        tflite.load(path)
