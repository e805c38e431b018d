"""<name>_info.json, the model card and the fit: what people and machines are told."""

from __future__ import annotations

import json

import pytest
from support.graphs import mlp
from support.harness import emitted

from tinylearn.emit.card import emit_card
from tinylearn.emit.info import describe, emit_info
from tinylearn.errors import DoesNotFitError
from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices
from tinylearn.report.fit import fit, require_fit
from tinylearn.targets import find


def test_info_says_what_the_plan_says() -> None:
    model = emitted(mlp(), Choices("all", optimizer=Optimizer(0.9)))
    plan, info = (
        model.compiled.plan,
        json.loads(emit_info(model, "cortex-m4f", "makefile", ["b", "a"])),
    )
    assert info["files"] == ["a", "b"]
    assert info["ram_bytes"] == sum(info["ram"].values()) == plan.ram_bytes
    assert info["flash"]["weights"] == plan.flash_weights
    assert info["arena_lower_bound"] <= max(s["offset"] + s["bytes"] for s in info["arena"])
    assert info["weights_bytes"] == sum(w["bytes"] for w in info["weights"])
    ends = [w["offset"] + w["bytes"] for w in info["weights"]]
    assert [w["offset"] for w in info["weights"]] == [0, *ends[:-1]]
    assert info["macs"]["inference"] == sum(layer["macs"] for layer in info["layers"])
    assert Choices.from_json(info["choices"]) == model.compiled.choices
    assert len(bytes.fromhex(info["hash"])) == 16


def trained(graph: Graph) -> Graph:
    """The same network with other values in its last layer."""
    from dataclasses import replace

    return graph.with_tensors([replace(graph["dense_1/bias"], data=graph["dense_1/bias"].data + 1)])


def test_hash_is_that_of_the_architecture_not_of_what_learns() -> None:
    def digest(graph: Graph, **choices: object) -> str:
        return describe(emitted(graph, Choices(**choices)), "t", "f")["hash"]

    base = digest(mlp(), learn="last:1")
    assert digest(trained(mlp()), learn="last:1") == base
    assert digest(mlp(), learn="last:1", rate=0.5) == base
    assert digest(mlp(seed=1), learn="last:1") != base, "other frozen weights"
    assert digest(mlp(), learn="all") != base, "another byte range"
    assert digest(mlp(), learn="last:1", loss="mse") != base
    assert digest(mlp(sizes=(5, 7, 4)), learn="last:1") != base


def test_card_shows_ram_by_purpose_and_every_layer() -> None:
    model = emitted(mlp(), Choices("last:1"))
    card = emit_card(model, "a board")
    for purpose, size in model.compiled.plan.ram.items():
        assert f"{size:,} {purpose}" in card
    rows = [line for line in card.split("\n") if line.startswith("| dense_")]
    assert [row.split("|")[6].strip() for row in rows] == ["", "yes", ""]


def test_model_fits_a_large_board_and_not_a_small_one() -> None:
    large = emitted(mlp(sizes=(64, 128, 10)), Choices("all"))
    assert fit(large, find("cortex-m4f")).fits
    assert not fit(large, find("cortex-m0")).fits
    with pytest.raises(DoesNotFitError, match=r"mlp does not fit cortex-m0: RAM: .* B needed"):
        require_fit(large, find("cortex-m0"))


def test_flash_can_be_what_is_missing() -> None:
    wide = emitted(mlp(sizes=(256, 300, 10)), Choices())
    assert any(p.startswith("flash") for p in fit(wide, find("cortex-m0")).problems())


def test_guard_and_labels_count_towards_ram() -> None:
    head = Head(2, at="features")
    plain = fit(emitted(mlp(), Choices(head=head)), find("cortex-m4f")).ram
    guarded = emitted(mlp(), Choices(head=head, guard=True))
    assert fit(guarded, find("cortex-m4f")).ram == plain + guarded.weights_bytes
