"""Real TFLite models: generated code on the twin against LiteRT, byte by byte."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import shared
from support.live import largest_pair

pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert, the oracle")
sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "benchmarks"))
import models as zoo
import tflm

INPUTS = 256


def names() -> list[str]:
    return sorted(p.stem for p in (shared.ROOT.parent / "shared" / "models").glob("*.tflite"))


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize("name", names() or ["none"])
def test_a_model_equals_litert(name: str, rounding: str) -> None:
    path = shared.folder("models") / f"{name}.tflite"
    row = zoo.examine(path, INPUTS, rounding, [])
    assert row.error == ""
    assert row.inputs_tried >= INPUTS
    assert row.mismatched_bytes == 0
    assert row.weight_bytes <= path.stat().st_size


@pytest.mark.parametrize("name", names() or ["none"])
def test_ram_is_below_the_arena_of_tflm(name: str) -> None:
    """Even with the caller's input and output buffers counted, which lie within the arena there."""
    path = shared.folder("models") / f"{name}.tflite"
    peer = tflm.arena(path)
    if peer is None:
        pytest.skip("needs the package tflite-micro")
    model = zoo.emitted(path, "single").compiled
    ends = sum(t.bytes for t in (model.program.input, model.program.result))
    assert model.plan.ram_bytes <= peer["activation_bytes"]
    assert model.plan.ram_bytes + ends <= peer["arena_bytes"]


@pytest.mark.parametrize("name", names() or ["none"])
def test_ram_is_about_the_largest_pair_of_live_tensors(name: str) -> None:
    model = zoo.emitted(shared.folder("models") / f"{name}.tflite", "single").compiled
    assert model.plan.ram_bytes <= 1.1 * largest_pair(model.program)


def test_a_wrong_answer_counts(tmp_path: Path) -> None:
    """The comparison can fail: an input told to LiteRT differs from that told to the twin."""
    found = names()
    if not found:
        pytest.skip("the shared models are not there")
    path = shared.folder("models") / "Hello_World.tflite"
    row, model = zoo.Row("x"), zoo.emitted(path, "single")
    rows = zoo.inputs_for((1,), "int8", 64)
    zoo.compare_twin(row, model, rows, zoo.expected(path, rows[::-1], "single"))
    assert row.mismatched_bytes > 0
