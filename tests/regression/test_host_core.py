"""Bugs of the host core that were found and must not come back, one test each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.compare import compare, oracle
from support.graphs import Net, mlp
from support.harness import emitted

from tinylearn.emit.calls import arena_name
from tinylearn.emit.names import identifier, model_name
from tinylearn.emit.source import emit_source
from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.interp import Interpreter
from tinylearn.ir.graph import Graph, frozen_map
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head, parse_head
from tinylearn.pipeline import Choices, compile_graph, prepare


def test_label_1_of_a_model_with_one_output(build) -> None:
    """The kernel read the score of a second output where there is one."""
    outs = {None: 1, "sigmoid": 2}
    models = [emitted(mlp(sizes=(3, 4, 1), out=out), Choices("all"), f"m{i}")
              for i, out in enumerate(outs)]  # fmt: skip
    for c, labels in zip(build(*models), outs.values(), strict=True):
        state = c.weights().tobytes()
        assert np.isnan(c.learn_label(np.ones(3), labels))
        assert c.weights().tobytes() == state
        assert np.isfinite(c.learn_label(np.ones(3), labels - 1))


def test_a_softmax_over_one_output_is_refused_for_learning() -> None:
    with pytest.raises(UsageError, match="always 1"):
        compile_graph(mlp(sizes=(3, 4, 1), out="softmax"), Choices("all"))


def test_one_sigmoid_output_learns_its_label_as_the_target(build) -> None:
    (c,) = build(emitted(mlp(sizes=(3, 4, 1), out="sigmoid"), Choices("all")))
    for label in (0, 1):
        c.init()
        by_label = c.learn_label(np.ones(3), label), c.weights().tobytes()
        c.init()
        assert (c.learn(np.ones(3), np.array([label])), c.weights().tobytes()) == by_label


def test_infinity_hidden_by_a_frozen_relu(build) -> None:
    """The first layer turns -inf into 0, so that the layer that learns sees nothing wrong."""
    graph = mlp(sizes=(1, 3, 2))
    kernel = graph["dense_0/kernel"]
    graph = graph.with_tensors([replace(kernel, data=-np.abs(kernel.data))])
    (c,) = build(emitted(graph, Choices("last:1")))
    state = c.weights().tobytes()
    assert np.isnan(c.learn(np.array([np.inf]), np.array([1, 0])))
    assert np.isnan(oracle(c.model).learn(np.array([np.inf]), np.array([1, 0])))
    assert c.weights().tobytes() == state


def test_statistics_after_a_target_that_was_refused(build) -> None:
    (c,) = build(emitted(mlp(), Choices("all", standardize_input=True)))
    state = c.weights().tobytes()
    assert np.isnan(c.learn(np.ones(5), np.full(4, np.nan)))
    assert np.isnan(c.learn_label(np.ones(5), 4))
    assert c.weights().tobytes() == state


def test_no_class_in_use_is_not_all_classes_in_use() -> None:
    model = emitted(mlp(), Choices(head=Head(0), max_classes=3))
    assert (oracle(model).predict(np.ones(5)) == 0).all()


def test_initial_weights_do_not_become_code() -> None:
    """gcc turned the assignment of a struct with many zeros into one store for each weight."""
    source = emit_source(emitted(mlp(), Choices("all", standardize_input=True)))
    assert "TL_COPY_FLASH(&m->weights, &mlp_initial" in source


def test_layer_called_d_and_the_name_of_another(build) -> None:
    """The gradient by ``dense_0`` and the output of a layer named d_dense_0 had one name."""
    net = Net("clash", (3,))
    net.dense("dense_0", 3, "relu")
    for name in ("d_dense_0", "velocity_dense_0", "sum_dense_0", "dense_0_pre", "x_pre", "out_out"):
        net.dense(name, 3, "tanh")
    net.dense("out", 2)
    optimizer = Optimizer(momentum=0.5, accumulate=2)
    (c,) = build(emitted(net.done(), Choices("all", optimizer=optimizer)))
    assert compare(c, steps=4).worst <= 1e-5
    assert arena_name(c.model, "x_pre/activation").startswith("AT_")


def test_head_on_a_layer_reads_it_behind_its_activation() -> None:
    graph = prepare(mlp(), Choices(head=Head(2, at="dense_0")))
    assert graph.op("head").inputs[0] == "dense_0/activation"


def test_thousand_activations_do_not_exhaust_the_stack() -> None:
    """Passes called themselves once for each change."""
    net = Net("deep", (2,))
    for i in range(1100):
        net.dense(f"d{i}", 2, "relu")
    assert len(compile_graph(net.graph(), Choices("none")).program.forward) == 1100


@pytest.mark.parametrize("spec", ["last:²", "last:" + "9" * 5000])
def test_digits_that_int_does_not_take(spec: str) -> None:
    with pytest.raises(UsageError):
        compile_graph(mlp(), Choices(spec))
    with pytest.raises(UsageError):
        parse_head(spec.replace("last", "dense"))


def test_ram_budget_stops_before_what_passes_no_gradient() -> None:
    graph = mlp("auto", (4, 3, 4), out=None)
    head = Head(2, at="features", reconstruction_error=True)
    assert compile_graph(graph, Choices(head=head, ram_budget=10_000)).choices.learn == "last:1"
    with pytest.raises(UnsupportedError):
        compile_graph(graph, Choices("last:2", head=head))


def test_weight_decay_that_wipes_the_weights_out() -> None:
    """1 - rate * decay was divided by."""
    choices = Choices("all", rate=2.0, optimizer=Optimizer(weight_decay=0.5))
    with pytest.raises(UsageError, match="--weight-decay"):
        compile_graph(mlp(), choices)


@pytest.mark.parametrize("stem", ["size", "uint8", "ptrdiff", "at", "tl"])
def test_model_named_like_a_type_of_c(stem: str) -> None:
    """size.keras became ``size_t``."""
    assert model_name(identifier(stem)) == f"n_{stem}"


def test_output_that_is_read_again() -> None:
    """An inner tensor as output: later ops may not write over it."""
    net = Net("inner", (3,))
    net.dense("a", 3)
    net.activation("a", "tanh")
    net.dense("b", 3)
    graph = net.done()
    graph = Graph(graph.name, frozen_map(graph.tensors), graph.ops, ("x",), ("a",))
    program = compile_graph(graph, Choices()).program
    x = np.ones(3)
    want = graph["a/kernel"].data @ x + graph["a/bias"].data
    np.testing.assert_allclose(Interpreter(program).predict(x), want, rtol=1e-6)


@pytest.mark.parametrize("optimizer", [Optimizer(momentum=0.9), Optimizer(accumulate=3)])
def test_other_weights_are_not_moved_by_what_was_gathered_for_the_old(build, optimizer) -> None:
    """Momentum of a diverging run pushed the weights that a roll-back had just put back."""
    (c,) = build(emitted(mlp(sizes=(3, 4, 2)), Choices("all", optimizer=optimizer)))
    x, target = np.ones(3), np.zeros(2)
    initial = c.weights().tobytes()

    def losses() -> list[float]:
        return [c.learn(x, target) for _ in range(4)]

    wanted = losses()
    for _ in range(7):
        c.learn(5 * x, target + 50)
    assert c.write(0, initial) == 0
    assert losses() == wanted


def test_the_guards_snapshot_counts_as_ram() -> None:
    plain, guarded = (
        compile_graph(mlp(sizes=(3, 4, 2)), Choices("all", guard=guard)) for guard in (False, True)
    )
    assert guarded.ram_bytes == plain.ram_bytes + 4 * (3 * 4 + 4 + 4 * 2 + 2)
    assert sum(guarded.ram_by_purpose.values()) == guarded.ram_bytes
    budget = plain.ram_bytes
    last = compile_graph(mlp(sizes=(3, 4, 2)), Choices(guard=True, ram_budget=budget))
    assert last.choices.learn == "last:1"


def test_a_target_for_an_output_that_is_not_in_use_is_refused(build) -> None:
    """It counted as learnt, with a loss of 0 and no weight moved."""
    (c,) = build(emitted(mlp(sizes=(3, 4, 2), out="softmax"), Choices("all", max_classes=3)))
    before, beyond = c.weights().tobytes(), np.eye(3)[2]
    assert np.isnan(c.learn(np.ones(3), beyond)) and np.isnan(
        oracle(c.model).learn(np.ones(3), beyond)
    )
    assert c.weights().tobytes() == before
    c.add_class()
    assert np.isfinite(c.learn(np.ones(3), beyond))
    assert c.weights().tobytes() != before
