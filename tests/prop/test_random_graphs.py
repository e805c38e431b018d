"""Properties of passes, plan and generated C over random networks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.arena import ArenaInterpreter
from support.compare import compare, relative
from support.harness import emitted
from support.random_graphs import random_choices, random_graph

from tinylearn.emit.graph_file import dump, load
from tinylearn.errors import UsageError
from tinylearn.interp import Interpreter, run_graph
from tinylearn.ir.graph import Graph
from tinylearn.ops.check import checked
from tinylearn.passes.backward import learning
from tinylearn.passes.fold_batch_norm import fold_batch_norm
from tinylearn.passes.fuse_activation import fuse_activation
from tinylearn.passes.fuse_input_slope import fuse_input_slope
from tinylearn.passes.loss import choose_loss, end_in_probabilities
from tinylearn.passes.prune import prune
from tinylearn.passes.select_trainable import select_trainable
from tinylearn.pipeline import Choices, Compiled, compile_graph

CHANCES = st.integers(0, 2**64 - 1).map(random.Random)
#: samples for which a kink or a tie decides differently in another order of summation are rare
#: enough that none of the seeds below meets one
C_GRAPHS, C_PER_LIBRARY = 48, 16


def drawn(chance: random.Random, name: str = "g") -> tuple[Graph, Choices]:
    graph = random_graph(chance, name)
    return graph, random_choices(chance, graph)


def compiled(chance: random.Random) -> Compiled:
    """A random program; layers that do not reach the output through a weight are an error."""
    graph, choices = drawn(chance)
    return compile_graph(graph, choices)


def sample(graph: Graph, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=graph.shape(graph.inputs[0]))


@given(CHANCES)
@settings(max_examples=150)
def test_graphs_are_valid_after_every_pass_and_predict_the_same(chance: random.Random) -> None:
    graph, choices = drawn(chance)
    x, want = sample(graph), run_graph(graph, sample(graph))
    graph = checked(end_in_probabilities(graph, choices.loss))
    for step in (prune, lambda g: select_trainable(g, choices.learn), fold_batch_norm):
        graph = checked(step(graph))
        np.testing.assert_allclose(run_graph(graph, x), want, rtol=1e-5, atol=1e-5)
    folded = run_graph(graph, x)  # folding rounds the weights to float32; nothing else may
    if choices.learn == "none":
        np.testing.assert_allclose(
            run_graph(checked(fuse_activation(graph)), x), folded, atol=1e-12
        )
        return
    loss, head = choose_loss(graph, None)
    graph = checked(fuse_activation(graph, head.name if head else ""))
    np.testing.assert_allclose(run_graph(graph, x), folded, atol=1e-12)
    program = learning(graph, loss, head, choices.optimizer)
    checked(program.graph)
    fused = fuse_input_slope(program)
    checked(fused.graph)
    plain, with_slope = Interpreter(program, 0.05), Interpreter(fused, 0.05)
    t = np.eye(program.result.size)[0]
    np.testing.assert_allclose(plain.predict(x).ravel(), folded.ravel(), atol=1e-12)
    assert plain.learn(x, t) == with_slope.learn(x, t)
    for name in plain.values.keys() & with_slope.values.keys():
        if program.graph[name].stored:
            np.testing.assert_allclose(plain.values[name], with_slope.values[name], atol=1e-12)


@given(CHANCES)
@settings(max_examples=150)
def test_what_lives_together_does_not_overlap(chance: random.Random) -> None:
    plan = compiled(chance).plan
    assert plan.arena >= plan.arena_bound
    assert plan.ram_bytes == sum(plan.ram.values())
    assert max((s.offset + s.bytes for s in plan.slots), default=0) == plan.arena
    for i, a in enumerate(plan.slots):
        assert a.offset % 4 == 0 and 0 <= a.first <= a.last
        for b in plan.slots[:i]:
            apart_in_time = a.last < b.first or b.last < a.first
            apart_in_place = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            assert apart_in_time or apart_in_place, (a, b)
    places = [name for s in plan.slots for name in s.names] + list(plan.external)
    computed = {n for op in plan.program.sequence for n in op.outputs} | set(
        plan.program.graph.inputs
    )
    assert sorted(places) == sorted(computed), "each tensor has exactly one place"


@given(CHANCES)
@settings(max_examples=200)
def test_program_runs_inside_its_arena(chance: random.Random) -> None:
    found = compiled(chance)
    plan, rate = found.plan, found.choices.rate
    rng = np.random.default_rng(chance.getrandbits(32))
    plain, inside = Interpreter(found.program, rate), ArenaInterpreter(plan, rate)
    for split in (False, True, False, True):
        x = rng.normal(size=found.program.input.shape)
        np.testing.assert_array_equal(inside.predict(x), plain.predict(x))
        if not found.program.learns:
            continue
        n = found.program.result.size
        t = np.eye(n)[rng.integers(n)]
        if split:
            np.testing.assert_array_equal(inside.observe(x), plain.observe(x))
            assert inside.update(t) == plain.update(t)
        else:
            assert inside.learn(x, t) == plain.learn(x, t)
        for tensor in found.program.graph.tensors.values():
            if tensor.stored:
                np.testing.assert_array_equal(inside.values[tensor.name], plain.values[tensor.name])


@given(CHANCES)
@settings(max_examples=60)
def test_gradients_of_random_graphs_equal_finite_differences(chance: random.Random) -> None:
    graph, choices = drawn(chance)
    if choices.learn == "none":
        return
    program = compile_graph(graph, Choices(choices.learn)).program
    it, rng = Interpreter(program, rate=1.0), np.random.default_rng(1)
    x, t = rng.normal(size=program.input.shape), np.eye(program.result.size)[0]
    start = {n: it.values[n].copy() for n, v in program.graph.tensors.items() if v.trainable}
    direction = {n: rng.normal(size=v.shape) * 1e-6 for n, v in start.items()}
    it.learn(x, t)
    slope = sum(((start[n] - it.values[n]) * direction[n]).sum() for n in start)
    norm = np.sqrt(sum(((start[n] - it.values[n]) ** 2).sum() for n in start)) * np.sqrt(
        sum((d**2).sum() for d in direction.values())
    )
    losses = []
    for sign in (1, -1):
        it.values.update({n: start[n] + sign * direction[n] for n in start})
        losses.append(it.learn(x, t))
    assert slope == pytest.approx((losses[0] - losses[1]) / 2, abs=1e-3 * norm + 1e-14)


@pytest.mark.parametrize("batch", range(C_GRAPHS // C_PER_LIBRARY))
def test_generated_c_of_random_graphs_equals_the_oracle(build, batch: int) -> None:
    models = []
    for i in range(C_PER_LIBRARY):
        chance = random.Random(1000 * batch + i)
        graph, choices = drawn(chance)
        models.append(emitted(graph, choices, f"g{batch}_{i}"))
    for i, c in enumerate(build(*models)):
        for split in (False, True):
            c.init()
            assert compare(c, steps=3, seed=i, split=split).worst <= 1e-5, c.model.name


@given(CHANCES)
@settings(max_examples=60)
def test_graph_file_keeps_everything(tmp_path_factory, chance: random.Random) -> None:
    graph, choices = drawn(chance)
    content = dump(graph, choices)
    path = tmp_path_factory.mktemp("graph") / "g.npz"
    path.write_bytes(content)
    again, chosen = load(path)
    assert chosen == choices
    assert dump(again, chosen) == content
    x = sample(graph)
    assert relative(run_graph(again, x), run_graph(graph, x)) == 0


def test_layers_off_the_way_to_the_output_cannot_learn_alone() -> None:
    from support.graphs import Net

    net = Net("side", (3,))
    net.dense("side", 3)
    net.cur = "x"
    net.dense("out", 2)
    with pytest.raises(UsageError, match="reaches the output"):
        compile_graph(net.done(), Choices("side"))
