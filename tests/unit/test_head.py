"""TinyOL's setting: a new last layer, standardised features, and outputs that grow."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import compare, oracle, oracle_weights, relative
from support.graphs import Net, mlp
from support.harness import CModel, emitted

from tinylearn.errors import UnsupportedError, UsageError
from tinylearn.interp import run_graph
from tinylearn.ir.graph import Graph
from tinylearn.ops.check import checked
from tinylearn.passes.head import Head, attach_head, parse_head
from tinylearn.pipeline import Choices, compile_graph, prepare


def autoencoder(name: str = "auto") -> Graph:
    return mlp(name, (6, 3, 6), out=None, hidden="tanh")


def value_of(graph: Graph, tensor: str, x: np.ndarray) -> np.ndarray:
    """A tensor inside a graph, by running the ops up to it."""
    inner = Graph(graph.name, graph.tensors, graph.ops, graph.inputs, (tensor,))
    return run_graph(inner, x)


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ("dense:3", (3, "softmax")),
        ("dense:1:sigmoid", (1, "sigmoid")),
        ("dense:0", (0, "softmax")),
        ("dense:65535:linear", (65535, "linear")),
    ],
)
def test_head_is_parsed(spec: str, want: tuple[int, str]) -> None:
    assert parse_head(spec) == want


@pytest.mark.parametrize("spec", [
    "", "dense", "dense:", "dense:x", "dense:-1", "dense:3:relu", "conv:3", "dense:3:softmax:x",
    "dense:²", "dense:65536", "dense:" + "9" * 5000, "dense:1.5", "dense: 3",
])  # fmt: skip
def test_bad_head_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="--head"):
        parse_head(spec)


@pytest.mark.parametrize("at", ["output", "features", "dense_0", "dense_1"])
def test_head_reads_what_it_is_put_on(at: str) -> None:
    graph, x = mlp(sizes=(5, 6, 7, 4)), np.linspace(-2, 2, 5)
    edited = prepare(graph, Choices(head=Head(3, "linear", at)))
    reads = edited.op("head").inputs[0]
    want = {"output": "dense_2/activation", "features": "dense_1/activation",
            "dense_0": "dense_0/activation", "dense_1": "dense_1/activation"}[at]  # fmt: skip
    np.testing.assert_array_equal(value_of(edited, reads, x), value_of(graph, want, x))
    assert edited.shape(edited.outputs[0]) == (3,)


def test_head_on_an_image_reads_it_flat() -> None:
    net = Net("image", (4, 4, 2))
    net.conv("conv", 3, (2, 2), act="relu")
    edited = prepare(net.done(), Choices(head=Head(2)))
    assert edited.shape(edited.op("head").inputs[0]) == (27,)


def test_head_drops_the_layers_it_replaces() -> None:
    edited = prepare(mlp(sizes=(5, 6, 7, 4)), Choices(head=Head(3, at="dense_0")))
    assert [op.layer for op in edited.ops if op.kind == "dense"] == ["dense_0", "head"]
    assert not any("dense_1" in name or "dense_2" in name for name in edited.tensors)


def test_head_alone_learns_unless_more_is_asked_for() -> None:
    graph, head = mlp(), Head(3)
    trained = [t.name for t in compile_graph(graph, Choices(head=head)).program.graph.tensors.values()
               if t.trainable]  # fmt: skip
    assert sorted(trained) == ["head/bias", "head/kernel"]
    everything = compile_graph(graph, Choices("all", head=head)).plan
    assert everything.ram["weights"] > compile_graph(graph, Choices(head=head)).plan.ram["weights"]


def test_unknown_place_names_the_layers() -> None:
    with pytest.raises(UsageError, match=r"--at nowhere.*dense_0, dense_1"):
        prepare(mlp(), Choices(head=Head(2, at="nowhere")))


def test_layer_named_head_is_not_overwritten() -> None:
    net = Net("clash", (3,))
    net.dense("head", 4, "relu")
    with pytest.raises(UsageError, match="head"):
        prepare(net.done(), Choices(head=Head(2)))


def test_reconstruction_error_is_one_more_feature() -> None:
    graph, x = autoencoder(), np.linspace(-1, 1, 6)
    edited = checked(attach_head(graph, Head(2, "softmax", "features", reconstruction_error=True)))
    features = value_of(edited, edited.op("head").inputs[0], x)
    want = np.mean((run_graph(graph, x) - x) ** 2)
    np.testing.assert_allclose(features, [*value_of(graph, "dense_0/activation", x), want])


def test_reconstruction_error_needs_equal_sizes() -> None:
    with pytest.raises(UsageError, match="reconstruction_error"):
        prepare(mlp(), Choices(head=Head(2, reconstruction_error=True)))


def test_nothing_learns_through_a_reconstruction_error() -> None:
    choices = Choices("all", head=Head(2, at="features", reconstruction_error=True))
    with pytest.raises(UnsupportedError, match="learn fewer layers"):
        compile_graph(autoencoder(), choices)


def test_standardized_features_have_mean_0_and_variance_1() -> None:
    graph = autoencoder()
    head = Head(2, "softmax", "features", standardize=True)
    model = emitted(graph, Choices(head=head))
    it, rng, seen = oracle(model), np.random.default_rng(0), []
    for _ in range(200):
        x = rng.normal(3, 2, 6)
        it.observe(x)
        seen.append(value_of(graph, "dense_0/activation", x))
    seen = np.array(seen)
    count, mean, m2 = np.split(it.values["standardize/statistics"], [1, 4])
    assert count == 200
    np.testing.assert_allclose(mean, seen.mean(axis=0))
    np.testing.assert_allclose(m2 / count, seen.var(axis=0))
    last = (seen[-1] - seen.mean(axis=0)) / np.sqrt(seen.var(axis=0) + 1e-6)
    np.testing.assert_allclose(it.values["standardize"], last)


HEADS = {
    "plain": Choices(head=Head(3)),
    "on_features": Choices("all", head=Head(3, at="features")),
    "sigmoid": Choices(head=Head(1, "sigmoid", "dense_0")),
    "linear": Choices(head=Head(2, "linear", "dense_0")),
    "standardized": Choices(head=Head(3, at="features", standardize=True)),
    "both": Choices("all", head=Head(3, at="features", standardize=True), standardize_input=True),
    "tinyol": Choices(head=Head(3, at="features", reconstruction_error=True, standardize=True)),
    "grown": Choices(head=Head(2, at="features", standardize=True), max_classes=5),
    "from_nothing": Choices(head=Head(0, at="features"), max_classes=3),
}


@pytest.fixture(scope="module")
def models(build) -> dict[str, CModel]:
    emit = [emitted(autoencoder(), c, name) for name, c in HEADS.items()]
    return dict(zip(HEADS, build(*emit), strict=True))


@pytest.mark.parametrize("name", [n for n in HEADS if n != "from_nothing"])
@pytest.mark.parametrize("split", [False, True], ids=["learn", "update"])
def test_c_with_a_head_equals_the_oracle(models, name: str, split: bool) -> None:
    models[name].init()
    # long sums of squares in float32: statistics and what reads them part a little more
    assert compare(models[name], steps=20, split=split).worst <= 3e-5


def test_predict_does_not_change_statistics_and_observe_does(models) -> None:
    c, x = models["standardized"], np.ones(6)
    c.init()
    before = c.weights()
    c.predict(x)
    assert c.weights().tobytes() == before.tobytes()
    c.observe(x)
    assert c.weights().tobytes() != before.tobytes()


@pytest.mark.parametrize("name", ["grown", "from_nothing"])
def test_outputs_grow_while_learning(models, name: str) -> None:
    c, rng = models[name], np.random.default_rng(3)
    c.init()
    it, used = oracle(c.model), c.model.compiled.classes
    while True:
        for _ in range(5 if used else 0):
            x, label = rng.normal(size=6).astype(np.float32), int(rng.integers(used))
            y = c.predict(x)
            assert (y[used:] == 0).all()
            assert y.sum() == pytest.approx(1, abs=1e-6)
            assert relative(y, it.predict(x)) <= 3e-5
            assert relative(c.learn_label(x, label), it.learn(x, np.eye(len(y))[label])) <= 3e-5
            assert relative(c.weights(), oracle_weights(c.model, it)) <= 3e-5
        added = c.add_class()
        if added < 0:
            break
        assert added == used
        used = it.classes = used + 1
    assert used == c.model.compiled.choices.max_classes
    assert c.add_class() == -1
    assert relative(c.predict(x), it.predict(x)) <= 3e-5


def test_model_without_classes_predicts_zeros_and_refuses_targets(models) -> None:
    c, x = models["from_nothing"], np.ones(6)
    c.init()
    it, state = oracle(c.model), c.weights().tobytes()
    assert (c.predict(x) == 0).all()
    assert (it.predict(x) == 0).all()
    assert np.isnan(c.learn_label(x, 0))
    assert np.isnan(c.learn(x, np.zeros(3)))
    assert np.isnan(it.learn(x, np.zeros(3)))
    assert c.weights().tobytes() == state


def test_classes_need_a_dense_layer_with_softmax() -> None:
    with pytest.raises(UsageError, match="--max-classes"):
        compile_graph(autoencoder(), Choices("all", max_classes=9))


@pytest.mark.parametrize("classes", [1, 3, 65536])
def test_impossible_number_of_classes_is_refused(classes: int) -> None:
    with pytest.raises(UsageError, match="--max-classes"):
        compile_graph(mlp(), Choices("all", max_classes=classes))


def test_empty_head_needs_room_to_grow() -> None:
    with pytest.raises(UsageError, match="--max-classes"):
        compile_graph(mlp(), Choices(head=Head(0)))


def test_growing_keeps_what_the_network_knew() -> None:
    graph, x = mlp(), np.linspace(-1, 1, 5)
    model = emitted(graph, Choices("all", max_classes=7))
    assert model.compiled.classes == 4
    y = oracle(model).predict(x)
    np.testing.assert_allclose(y, [*run_graph(graph, x), 0, 0, 0])
