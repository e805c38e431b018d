"""What learns: selections, RAM budgets, losses, and the order of the passes."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import Net, mlp

from tinylearn.errors import DoesNotFitError, UsageError
from tinylearn.interp import Interpreter, run_graph
from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.passes.select_trainable import select_trainable, trainable_layers
from tinylearn.pipeline import Choices, compile_graph


def cnn() -> Graph:
    net = Net("cnn", (8, 8, 1))
    net.conv("conv", 4, act="relu")
    net.depthwise("depthwise", 2, act="relu6")
    net.batch_norm("norm")
    net.flatten()
    net.dense("hidden", 6, "tanh")
    net.dense("out", 3, "softmax")
    return net.done()


def learning(graph: Graph) -> list[str]:
    return sorted({t.name.split("/")[0] for t in graph.tensors.values() if t.trainable})


@pytest.mark.parametrize(
    ("selection", "want"),
    [
        ("none", []),
        ("all", ["conv", "depthwise", "hidden", "out"]),
        ("last:1", ["out"]),
        ("last:2", ["hidden", "out"]),
        ("last:99", ["conv", "depthwise", "hidden", "out"]),
        ("conv,out", ["conv", "out"]),
        (" conv , hidden ", ["conv", "hidden"]),
        ("depthwise", ["depthwise"]),
    ],
)
def test_selection(selection: str, want: list[str]) -> None:
    assert learning(select_trainable(cnn(), selection)) == want


@pytest.mark.parametrize("selection", [
    "last:0", "last:-1", "last:", "last:x", "last:²", "last:" + "9" * 5000, "", ",", "conv,nothing",
    "norm", "last", "ALL",
])  # fmt: skip
def test_bad_selection_is_refused(selection: str) -> None:
    with pytest.raises(UsageError, match="--learn"):
        compile_graph(cnn(), Choices(selection))


def test_selection_replaces_an_earlier_one() -> None:
    assert learning(select_trainable(select_trainable(cnn(), "all"), "out")) == ["out"]


def test_unknown_layer_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"nothing.*conv, depthwise, hidden, out"):
        compile_graph(cnn(), Choices("nothing"))


def test_frozen_layers_are_bit_for_bit_frozen() -> None:
    program = compile_graph(cnn(), Choices("depthwise,out")).program
    it = Interpreter(program, rate=0.1)
    before = {n: v.copy() for n, v in it.values.items()}
    it.learn(np.random.default_rng(0).normal(size=(8, 8, 1)), np.eye(3)[0])
    changed = {n.split("/")[0] for n, v in before.items() if (it.values[n] != v).any()}
    assert changed == {"depthwise", "out"}


@pytest.mark.parametrize("selection", ["none", "all", "last:1", "conv", "conv,hidden"])
def test_passes_do_not_change_what_is_predicted(selection: str) -> None:
    graph, x = cnn(), np.random.default_rng(1).normal(size=(8, 8, 1))
    it = Interpreter(compile_graph(graph, Choices(selection)).program)
    np.testing.assert_allclose(it.predict(x), run_graph(graph, x), atol=1e-6)


@pytest.mark.parametrize(("selection", "folded"), [("none", True), ("last:1", True),
                                                   ("conv", True), ("all", False),
                                                   ("depthwise", False)])  # fmt: skip
def test_normalisation_is_folded_where_its_layer_is_frozen(selection: str, folded: bool) -> None:
    """Here an activation stands between layer and normalisation: nothing may be folded."""
    kinds = [op.kind for op in compile_graph(cnn(), Choices(selection)).program.forward]
    assert "scale_shift" in kinds
    net = Net("norm", (6, 6, 2))
    net.depthwise("depthwise")
    net.batch_norm("norm")
    net.activation("norm", "relu")
    net.conv("conv", 2)
    net.flatten()
    net.dense("out", 2)
    kinds = [op.kind for op in compile_graph(net.done(), Choices(selection)).program.forward]
    assert ("scale_shift" not in kinds) == folded
    assert "activation" not in kinds


def test_folding_keeps_a_value_that_another_layer_reads() -> None:
    net = Net("fork", (4,))
    net.dense("a", 4)
    net.batch_norm("norm")
    net.op("add", "sum", ("a", "norm"))
    graph, x = net.done(), np.linspace(-1, 1, 4)
    program = compile_graph(graph, Choices()).program
    assert "scale_shift" in [op.kind for op in program.forward]
    np.testing.assert_allclose(Interpreter(program).predict(x), run_graph(graph, x))


@pytest.mark.parametrize(
    ("out", "loss", "want"),
    [
        ("softmax", None, "categorical_crossentropy"),
        ("sigmoid", None, "binary_crossentropy"),
        (None, None, "mse"),
        ("tanh", None, "mse"),
        ("softmax", "mse", "mse"),
        (None, "categorical_crossentropy", "categorical_crossentropy"),
        (None, "binary_crossentropy", "binary_crossentropy"),
    ],
)
def test_loss_follows_the_output(out: str | None, loss: str | None, want: str) -> None:
    assert compile_graph(mlp(out=out), Choices("all", loss=loss)).loss == want


@pytest.mark.parametrize(
    ("out", "loss"),
    [("sigmoid", "categorical_crossentropy"), ("softmax", "binary_crossentropy"),
     ("tanh", "binary_crossentropy"), ("relu", "categorical_crossentropy"), (None, "hinge")],
)  # fmt: skip
def test_loss_that_does_not_fit_the_output_is_refused(out: str | None, loss: str) -> None:
    with pytest.raises(UsageError, match=f"--loss {loss}"):
        compile_graph(mlp(out=out), Choices("all", loss=loss))


def test_cross_entropy_on_logits_predicts_probabilities() -> None:
    program = compile_graph(mlp(out=None), Choices("all", loss="categorical_crossentropy")).program
    assert Interpreter(program).predict(np.ones(5)).sum() == pytest.approx(1)


def test_ram_budget_takes_the_deepest_suffix_that_fits() -> None:
    graph = cnn()
    sizes = [compile_graph(graph, Choices(f"last:{n}")).plan.ram_bytes for n in (1, 2, 3, 4)]
    for budget in (*sizes, *(s + 1 for s in sizes), *(s - 1 for s in sizes[1:])):
        found = compile_graph(graph, Choices(ram_budget=budget))
        deepest = max(n for n in (1, 2, 3, 4) if sizes[n - 1] <= budget)
        assert found.choices.learn == f"last:{deepest}"
        assert found.plan.ram_bytes == sizes[deepest - 1]


def test_ram_budget_counts_the_optimizers_buffers() -> None:
    plain = compile_graph(cnn(), Choices("last:2")).plan.ram_bytes
    momentum = Choices(ram_budget=plain, optimizer=Optimizer(momentum=0.9))
    assert compile_graph(cnn(), momentum).choices.learn == "last:1"


def test_budget_too_small_says_how_much_is_needed() -> None:
    smallest = compile_graph(cnn(), Choices("last:1")).plan.ram_bytes
    with pytest.raises(DoesNotFitError, match=f"needs {smallest} B"):
        compile_graph(cnn(), Choices(ram_budget=smallest - 1))


def test_budget_for_a_model_without_weights_is_refused() -> None:
    net = Net("bare", (4,))
    net.activation("relu", "relu")
    with pytest.raises(UsageError, match="no layer that could learn"):
        compile_graph(net.done(), Choices(ram_budget=1000))


def test_compiled_choices_compile_to_the_same_again() -> None:
    first = compile_graph(cnn(), Choices(ram_budget=100_000))
    again = compile_graph(cnn(), first.choices)
    assert again.plan.ram == first.plan.ram
    assert again.choices == first.choices


@pytest.mark.parametrize("choices", [
    Choices(),
    Choices("last:2", "mse", 0.5, Optimizer(0.9, 0.1, 4, False), None, 0, True, 7, "gated", True),
    Choices(head=Head(3, "sigmoid", "features", True, True)),
])  # fmt: skip
def test_choices_survive_json(choices: Choices) -> None:
    assert Choices.from_json(choices.as_json()) == choices


def test_trainable_layers_in_order() -> None:
    assert trainable_layers(cnn()) == ["conv", "depthwise", "hidden", "out"]


def test_output_that_is_the_input_is_copied() -> None:
    net = Net("reshape_only", (2, 3))
    net.flatten()
    program = compile_graph(net.done(), Choices()).program
    x = np.arange(6.0).reshape(2, 3)
    assert (Interpreter(program).predict(x) == x.ravel()).all()
    assert program.output
