"""The benchmark workloads W1 to W3: numbers of the reference file, RAM within the bars."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.compare import compare, oracle
from support.graphs import workload
from support.harness import CModel, emitted
from support.shared import folder

from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.planner.costs import macs, macs_of_step

NUMBERS = (1, 2, 3)
#: struct and stack, in bytes; of that the stack may take what the largest frames of a call need
RAM_BARS = {1: 5200, 2: 10200, 3: 33000}
STACK_MARGIN = 200
MACS_OF_STEP = {1: 4385, 2: 7466, 3: 161525}


@pytest.fixture(scope="module")
def all_learning(build, workloads: Path) -> dict[int, CModel]:
    models = [emitted(workload(workloads, n)[0], Choices("all")) for n in NUMBERS]
    return dict(zip(NUMBERS, build(*models), strict=True))


@cache
def read(number: int):
    return workload(folder("workloads"), number)


@pytest.mark.parametrize("number", NUMBERS)
def test_interpreter_reproduces_the_reference_file(number: int) -> None:
    graph, a = read(number)
    it = oracle(emitted(graph, Choices("all")))
    np.testing.assert_allclose(it.predict(a["X"][0]).ravel(), a["y0"].ravel(), atol=1e-9, rtol=0)
    for x, t in zip(a["X"], a["T"], strict=True):
        it.learn(x, t)
    np.testing.assert_allclose(it.predict(a["X"][0]).ravel(), a["yN"].ravel(), atol=1e-9, rtol=0)


@pytest.mark.parametrize("number", NUMBERS)
def test_c_reproduces_the_reference_file(number: int, all_learning) -> None:
    c, (_, a) = all_learning[number], read(number)
    c.init()
    np.testing.assert_allclose(c.predict(a["X"][0]), a["y0"].ravel(), rtol=1e-5)
    for x, t in zip(a["X"], a["T"], strict=True):
        c.learn(x, t)
    np.testing.assert_allclose(c.predict(a["X"][0]), a["yN"].ravel(), rtol=1e-5)


@pytest.mark.parametrize("number", NUMBERS)
def test_predict_then_update_is_learn(number: int, all_learning) -> None:
    c, (_, a) = all_learning[number], read(number)
    ends = []
    for split in (False, True):
        c.init()
        for x, t in zip(a["X"], a["T"], strict=True):
            if split:
                c.predict(x)
            loss = c.update(x, t) if split else c.learn(x, t)
            assert np.isfinite(loss)
        ends.append(c.weights().tobytes())
    assert ends[0] == ends[1]


@pytest.mark.parametrize("number", NUMBERS)
def test_struct_is_within_the_bar(number: int) -> None:
    plan = compile_graph(read(number)[0], Choices("all")).plan
    assert plan.ram_bytes + STACK_MARGIN <= RAM_BARS[number]
    assert plan.arena == plan.arena_bound, "the packing is not optimal"
    assert sum(plan.ram.values()) == plan.ram_bytes


@pytest.mark.parametrize("number", NUMBERS)
def test_macs_of_a_step_are_those_counted_by_hand(number: int) -> None:
    program = compile_graph(read(number)[0], Choices("all")).program
    assert macs_of_step(program) == MACS_OF_STEP[number]


@pytest.mark.parametrize("number", NUMBERS)
def test_last_layer_learning_computes_no_gradient_of_frozen_layers(number: int) -> None:
    graph, _ = read(number)
    compiled = compile_graph(graph, Choices("last:1"))
    program = compiled.program
    assert [op.kind for op in program.backward] == ["dense_backward"]
    assert program.backward[0].outputs == ()
    assert macs(program, program.backward) == macs(program, program.forward[-1:])
    assert compiled.plan.ram_bytes < compile_graph(graph, Choices("all")).plan.ram_bytes


@pytest.mark.parametrize("number", NUMBERS)
def test_deeper_learning_never_needs_less_ram(number: int) -> None:
    graph, _ = read(number)
    layers = 2 if number == 2 else 3
    sizes = [compile_graph(graph, Choices("none")).plan.ram_bytes]
    sizes += [compile_graph(graph, Choices(f"last:{k + 1}")).plan.ram_bytes for k in range(layers)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == compile_graph(graph, Choices("all")).plan.ram_bytes


def test_selections_and_options_equal_the_oracle(build) -> None:
    choices = [
        Choices("none"),
        Choices("last:1"),
        Choices("last:2", optimizer=Optimizer(skip_zero_deltas=False)),
        Choices("dense_0,dense_2", optimizer=Optimizer(momentum=0.5)),
        Choices("dense_0"),
        Choices("dense_1", optimizer=Optimizer(weight_decay=0.1, accumulate=2)),
    ]
    models = [emitted(read(1)[0], c, f"w1_{i}") for i, c in enumerate(choices)]
    conv = ("conv_0", "conv_0,dense", "conv_1")
    models += [emitted(read(3)[0], Choices(c), f"w3_{i}") for i, c in enumerate(conv)]
    for c in build(*models):
        assert compare(c, steps=6).worst <= 1e-5, c.model.name
