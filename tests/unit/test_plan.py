"""Lifetimes, sharing, purposes and costs on networks small enough to plan by hand."""

from __future__ import annotations

import pytest
from support.graphs import Net, mlp

from tinylearn.passes.backward import Optimizer, inference
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.planner.costs import layer_costs, macs, macs_of_step
from tinylearn.planner.lifetimes import lifetimes
from tinylearn.planner.plan import plan


def residual() -> Net:
    net = Net("residual", (4,))
    start = net.dense("a", 4, "relu")
    net.dense("b", 4, "relu")
    net.op("add", "sum", (net.cur, start))
    net.dense("out", 2)
    return net


def test_chain_keeps_two_layers_at_a_time() -> None:
    net = Net("chain", (10,))
    for i, units in enumerate((20, 30, 5, 2)):
        net.dense(f"d{i}", units)
    found = plan(inference(net.done()))
    assert found.arena == 4 * (20 + 30) == found.arena_bound
    assert found.ram == {"activations": 200}
    assert found.external == {"x": "input", "d3": "output"}


def test_elementwise_ops_work_in_place() -> None:
    net = Net("inplace", (4, 4, 2))
    net.conv("conv", 3)
    net.activation("act", "tanh")
    net.batch_norm("norm")
    net.flatten()
    net.op("softmax", "soft")
    net.dense("out", 2)
    buffers = lifetimes(inference(net.done()))
    one = buffers["conv"]
    assert all(buffers[n] is one for n in ("act/activation", "norm", "flatten", "soft"))
    assert plan(inference(net.done())).arena == 4 * 12


def test_value_that_is_read_again_is_not_overwritten() -> None:
    buffers = lifetimes(inference(residual().done()))
    assert buffers["a"] is not buffers["b"]
    assert buffers["a/activation"].last == 4, "until the addition"
    assert buffers["sum"] is buffers["b"]


def test_tensor_added_to_itself_is_not_worked_on_in_place() -> None:
    net = Net("twice", (4,))
    net.dense("a", 4)
    net.op("add", "sum", ("a", "a"))
    net.dense("out", 2)
    buffers = lifetimes(inference(net.done()))
    assert buffers["sum"] is not buffers["a"]


def test_concatenation_builds_in_one_place() -> None:
    net = Net("concat", (4,))
    a = net.dense("a", 3)
    net.cur = "x"
    b = net.dense("b", 2)
    net.concat("both", (a, b), 0)
    net.dense("out", 2)
    buffers = lifetimes(inference(net.done()))
    assert buffers["both/0"] is buffers["both"]
    assert buffers["both"].bytes == 20


def test_caller_owns_input_and_output() -> None:
    found = plan(inference(mlp(sizes=(3, 2), out=None)))
    assert found.arena == 0
    assert found.ram == {"control": 4}, "C has no empty struct"


@pytest.mark.parametrize(
    ("choices", "purposes"),
    [
        (Choices(), {"activations"}),
        (Choices("all"), {"weights", "activations", "control"}),
        (Choices("all", optimizer=Optimizer(momentum=0.5)), {"momentum"}),
        (Choices("all", optimizer=Optimizer(accumulate=2)), {"accumulation"}),
        (Choices("all", standardize_input=True), {"statistics"}),
    ],
)
def test_every_byte_has_a_purpose(choices: Choices, purposes: set[str]) -> None:
    ram = compile_graph(mlp(sizes=(5, 16, 4)), choices).plan.ram
    assert purposes <= set(ram)
    assert all(size > 0 for size in ram.values())


def test_weights_that_learn_and_their_buffers_are_counted_exactly() -> None:
    optimizer = Optimizer(0.9, 0.1, 4)
    ram = compile_graph(mlp(sizes=(5, 6, 4)), Choices("last:1", optimizer=optimizer)).plan.ram
    assert ram["weights"] == ram["momentum"] == ram["accumulation"] == 4 * (6 * 4 + 4)
    assert ram["control"] == 8


def test_growing_costs_one_word() -> None:
    head = Head(2, at="features")
    fixed = compile_graph(mlp(), Choices(head=head)).plan.ram
    growing = compile_graph(mlp(), Choices(head=head, max_classes=2)).plan.ram
    assert growing["control"] == fixed["control"] + 4


def test_flash_holds_frozen_weights_and_initial_values() -> None:
    parameters = 5 * 6 + 6 + 6 * 4 + 4
    for learn in ("none", "all", "last:1"):
        assert compile_graph(mlp(), Choices(learn)).plan.flash_weights == 4 * parameters
    standardized = compile_graph(mlp(), Choices("all", standardize_input=True)).plan
    assert standardized.flash_weights == 4 * (parameters + 1 + 2 * 5)


def test_macs_are_those_of_the_layers() -> None:
    net = Net("cnn", (6, 6, 2))
    net.conv("conv", 3)  # 4 x 4 positions of 3 x 3 x 2 taps and 3 filters
    net.depthwise("depthwise", 2)  # 2 x 2 positions of 9 taps and 6 channels
    net.flatten()
    net.dense("out", 5)
    program = compile_graph(net.done(), Choices("all")).program
    convolved, depthwise, dense = 16 * 18 * 3, 4 * 9 * 6, 24 * 5
    assert macs(program, program.forward) == convolved + depthwise + dense
    learnt = 54 + 3 + 54 + 6 + 120 + 5
    assert macs_of_step(program) == 2 * convolved + 3 * depthwise + 3 * dense + learnt


@pytest.mark.parametrize("optimizer", [Optimizer(), Optimizer(0.9), Optimizer(0.9, 0, 2)])
def test_layer_costs_add_up(optimizer: Optimizer) -> None:
    found = compile_graph(mlp(), Choices("all", optimizer=optimizer)).plan
    costs = layer_costs(found)
    assert [c.layer for c in costs] == ["dense_0", "dense_1", "dense_1"]
    assert sum(c.macs for c in costs) == macs(found.program, found.program.forward)
    assert sum(c.macs_learning + c.macs for c in costs) == macs_of_step(found.program)
    assert sum(c.weight_bytes for c in costs) == found.flash_weights
    copies = 1 + bool(optimizer.momentum) + (optimizer.accumulate > 1)
    assert costs[0].ram_learning >= copies * costs[0].weight_bytes
    assert all(c.ram_forward <= found.arena for c in costs)


def test_frozen_layers_cost_nothing_to_learn() -> None:
    costs = layer_costs(compile_graph(mlp(), Choices("last:1")).plan)
    assert (costs[0].macs_learning, costs[0].ram_learning, costs[0].learns) == (0, 0, False)
    assert costs[1].learns


def test_stored_activations_end_where_learning_starts() -> None:
    """What frozen layers made before the first learning layer need not be kept."""
    sizes = (8, 64, 64, 4)
    last, everything = (
        compile_graph(mlp(sizes=sizes), Choices(learn)).plan for learn in ("last:1", "all")
    )
    assert last.arena == 4 * (64 + 64)
    assert everything.arena > last.arena
