"""Learning in integers: the generated C and the NumPy reference give the same bytes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.graphs import Net, mlp
from support.harness import CModel, build, emitted

from tinylearn.device.blob import elements
from tinylearn.errors import TinylearnError, UnsupportedError, UsageError
from tinylearn.interp import Interpreter
from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices, compile_graph

INTEGERS = {"rate": 0.05, "arithmetic": "int8"}


def network(name: str, sizes: tuple[int, ...], hidden: str | None, end: str | None) -> Graph:
    net = Net(name, sizes[:1])
    for i, n in enumerate(sizes[1:-1]):
        net.dense(f"dense{i}", n, hidden)
    net.dense("out", sizes[-1], end)
    return net.done()


NETWORKS = {
    "relu_softmax": network("relu_softmax", (20, 13, 4), "relu", "softmax"),
    "tanh_softmax": network("tanh_softmax", (7, 9, 5, 3), "tanh", "softmax"),
    "sigmoid_binary": network("sigmoid_binary", (5, 6, 1), "sigmoid", "sigmoid"),
    "many_binary": network("many_binary", (5, 6, 4), "relu", "sigmoid"),
    "linear_mse": network("linear_mse", (9, 6, 5), None, None),
    "one_mse": network("one_mse", (3, 1), None, None),
    "one_softmax": network("one_softmax", (33, 6), None, "softmax"),
}


def window(kernel: int, strides: int, padding: str = "valid") -> dict:
    return {"kernel": (kernel, kernel), "strides": (strides, strides), "padding": padding}


def convolutions(name: str, act: str) -> Graph:
    """Every kind of layer: overlapping maxima, uneven means, depth multiplier, padding."""
    net = Net(name, (9, 8, 2))
    net.conv("conv", 5, (3, 3), (2, 1), "same", act)
    net.op("max_pool", "most", attrs=window(3, 1))
    net.depthwise("depth", 2, (3, 3), padding="same", act=act)
    net.op("average_pool", "mean", attrs=window(2, 2, "same"))
    net.conv("point", 4, (1, 1), act=act, bias=False)
    net.flatten()
    net.dense("out", 3, "softmax")
    return net.done()


NETWORKS["cnn_relu"] = convolutions("cnn_relu", "relu")
NETWORKS["cnn_tanh"] = convolutions("cnn_tanh", "tanh")
MODELS = [
    emitted(graph, Choices(learn, **INTEGERS), f"{name}_{learn.replace(':', '')}")
    for name, graph in NETWORKS.items()
    for learn in ("all", "last:1")
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CModel]:
    folder = tmp_path_factory.mktemp("integers")
    return {c.model.name: c for c in build(MODELS, folder)}


def inputs(n: int, count: int, seed: int) -> np.ndarray:
    """Noise of many sizes, with zeros, constants and extremes among it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, n)) * 10.0 ** rng.integers(-3, 3, (count, 1))
    x[rng.random((count, n)) < 0.2] = 0
    x[0], x[1], x[2], x[3, 0] = 0, 1e30, -1e-30, 1e-44
    return x.astype(np.float32)


def targets(loss: str, n: int, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if loss == "categorical_crossentropy":
        t = np.eye(n, dtype=np.float32)[rng.integers(n, size=count)]
        t[::7] = rng.dirichlet(np.ones(n), len(t[::7]))
        return t
    return rng.uniform(-0.5, 1.5, (count, n)).astype(np.float32)


def state_of(c: CModel) -> bytes:
    """All of the C's weights."""
    status, content = c.read(0, c.model.weights_bytes)
    assert status == 0
    return content


def stored_bytes(c: CModel, oracle: Interpreter) -> bytes:
    return b"".join(oracle.values[t.name].tobytes() for t in c.model.ram_tensors)


@pytest.mark.parametrize("name", [m.name for m in MODELS])
def test_code_and_reference_learn_the_same_bytes(compiled: dict[str, CModel], name: str) -> None:
    c, count = compiled[name], 120
    c.init()
    model = c.model
    oracle = Interpreter(model.compiled.program, rate=model.compiled.choices.rate)
    x = inputs(model.inputs, count, 1)
    for row, t in zip(x, targets(model.compiled.loss, model.outputs, count, 2), strict=True):
        assert c.predict(row).tobytes() == oracle.predict(row).astype(np.float32).tobytes()
        got, want = c.learn(row, t), oracle.learn(row, t)
        assert np.array_equal(np.float32(got), np.float32(want), equal_nan=True)
        wanted = stored_bytes(c, oracle)
        assert state_of(c)[: len(wanted)] == wanted


@pytest.mark.parametrize("name", ["relu_softmax_all", "sigmoid_binary_all", "linear_mse_all"])
def test_label_is_its_one_hot_target(compiled: dict[str, CModel], name: str) -> None:
    c, n = compiled[name], compiled[name].model.outputs
    x, found = inputs(c.model.inputs, 30, 3), []
    for by_label in (True, False):
        c.init()
        for i, row in enumerate(x):
            label = i % max(n, 2)
            t = np.array([label], np.float32) if n == 1 else np.eye(n, dtype=np.float32)[label]
            _ = c.learn_label(row, label) if by_label else c.learn(row, t)
        found.append(state_of(c))
    assert found[0] == found[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(compiled: dict[str, CModel], bad: float) -> None:
    c = compiled["relu_softmax_all"]
    c.init()
    before, x = state_of(c), np.ones(20, np.float32)
    assert np.isnan(c.learn(np.where(np.arange(20) == 7, bad, x).astype(np.float32), np.eye(4)[0]))
    assert np.isnan(c.learn(x, np.array([0, bad, 0, 1], np.float32)))
    assert np.isnan(c.learn_label(x, 4))
    assert state_of(c) == before


def test_integers_come_close_to_floats(compiled: dict[str, CModel]) -> None:
    """Predictions of the untrained network: eight bits part by about one per cent."""
    floats = Interpreter(compile_graph(NETWORKS["relu_softmax"], Choices("all")).program)
    c = compiled["relu_softmax_all"]
    c.init()
    x = np.random.default_rng(4).normal(size=(200, 20)).astype(np.float32)
    apart = [np.abs(c.predict(row) - floats.predict(row)).max() for row in x]
    assert np.mean(apart) < 0.02 and np.max(apart) < 0.08


@pytest.mark.parametrize("name", ["relu_softmax", "cnn_relu", "cnn_tanh"])
def test_steps_come_close_to_those_of_floats(name: str) -> None:
    """Over many first steps from the same weights, the mean change of each kernel and bias points
    where that of float32 does, and is as long. Steps are long enough for rounding to fade."""
    choices = {a: Choices("all", arithmetic=a) for a in ("float32", "int8")}
    programs = {a: compile_graph(NETWORKS[name], c).program for a, c in choices.items()}
    moved = {a: dict[str, np.ndarray]() for a in programs}
    rng, outputs = np.random.default_rng(6), NETWORKS[name].shape(NETWORKS[name].outputs[0])[0]
    for i in range(60):
        x = rng.normal(size=NETWORKS[name].shape("x")).astype(np.float32)
        for arithmetic, program in programs.items():
            it = Interpreter(program, rate=0.3)
            if arithmetic == "int8":
                it.values["random"][:] = rng.integers(2**31)
            before = {w: real(it, w) for w in weights_of(NETWORKS[name])}
            it.learn(x, np.eye(outputs)[i % outputs])
            for w, old in before.items():
                moved[arithmetic][w] = moved[arithmetic].get(w, 0) + real(it, w) - old
    for w, wanted in moved["float32"].items():
        got = moved["int8"][w]
        cosine = (got * wanted).sum() / np.sqrt((got**2).sum() * (wanted**2).sum())
        assert cosine > 0.9 and 0.8 < np.linalg.norm(got) / np.linalg.norm(wanted) < 1.25, w


def weights_of(graph: Graph) -> list[str]:
    return [t.name for t in graph.tensors.values() if t.stored]


def real(it: Interpreter, weight: str) -> np.ndarray:
    """What a weight's integers stand for; a float weight itself."""
    exponent = it.values.get(f"{weight}:exponent", np.zeros(1))
    return it.values[weight].astype(np.float64) * 2.0 ** float(exponent[0])


def test_a_stream_is_learnt(compiled: dict[str, CModel]) -> None:
    c, rng = compiled["relu_softmax_all"], np.random.default_rng(5)
    c.init()
    centres = rng.normal(size=(4, 20))
    labels = rng.integers(4, size=600)
    x = (centres[labels] + rng.normal(size=(600, 20)) * 0.7).astype(np.float32)
    hits = []
    for row, label in zip(x, labels, strict=True):
        hits.append(int(np.argmax(c.predict(row)) == label))
        c.learn_label(row, int(label))
    assert np.mean(hits[-200:]) > 0.95


@pytest.mark.parametrize("sizes", [(1, 32, 32, 1), (64, 32, 10), (5, 16, 1)], ids=str)
def test_integers_need_a_fraction_of_the_ram(sizes: tuple[int, ...]) -> None:
    """Of small networks too, where what is not weights weighs more."""
    net = mlp(sizes=sizes, out=None)
    ram = {
        arithmetic: compile_graph(net, Choices("all", arithmetic=arithmetic)).ram_bytes
        for arithmetic in ("float32", "int8")
    }
    assert ram["int8"] <= 0.40 * ram["float32"]


def test_struct_holds_words_before_bytes() -> None:
    for model in MODELS:
        sizes = [np.dtype(t.dtype).itemsize for t in model.ram_tensors]
        assert sizes == sorted(sizes, reverse=True) and model.weights_bytes % 4 == 0
    assert elements(3 << 28 | 17) == ("<i4", 17) and elements(4 << 28 | 5) == ("<i2", 5)
    assert elements(9 << 28)[0] == ""


PADDED = Net("padded", (6, 6, 1))
PADDED.op("zero_pad", "pad", attrs={"pads": (1, 1, 1, 1)})
PADDED.conv("conv", 2, act="relu")
PADDED.flatten()
PADDED.dense("out", 3, "softmax")
POOLED = Net("pooled", (4, 4, 2))
POOLED.conv("conv", 2, (1, 1))
POOLED.op("max_pool", "pool", attrs={"kernel": (2, 2), "strides": (2, 2), "padding": "valid"})
WIDE = Net("wide_conv", (65, 65, 1))
WIDE.conv("conv", 1, (1, 1))
WIDE.op("global_average_pool", "mean")


@pytest.mark.parametrize(
    ("graph", "choices", "kind", "words"),
    [
        (PADDED.done(), {"learn": "all"}, UnsupportedError, "zero pad"),
        (PADDED.done(), {"learn": "last:1"}, UnsupportedError, "tinylearn quantize"),
        (POOLED.done(), {"learn": "all"}, UnsupportedError, "max pool"),
        (WIDE.done(), {"learn": "all"}, UnsupportedError, "4225 positions"),
        (NETWORKS["one_mse"], {}, UsageError, "nothing learns"),
        (NETWORKS["relu_softmax"], {"learn": "all", "loss": "mse"}, UnsupportedError, "softmax"),
        (
            network("six", (4, 3, 2), "relu6", "softmax"),
            {"learn": "all"},
            UnsupportedError,
            "relu6",
        ),
        (network("wide", (8193, 2), None, None), {"learn": "all"}, UnsupportedError, "8192"),
        (
            NETWORKS["one_mse"],
            {"learn": "all", "optimizer": Optimizer(0.5)},
            UsageError,
            "--momentum",
        ),
        (
            NETWORKS["one_mse"],
            {"learn": "all", "standardize_input": True},
            UsageError,
            "--standardize",
        ),
        (NETWORKS["one_mse"], {"head": Head(0), "max_classes": 4}, UsageError, "--max-classes"),
    ],
)
def test_what_has_no_integer_form_is_refused(
    graph: Graph, choices: dict, kind: type[TinylearnError], words: str
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        compile_graph(graph, Choices(**{**choices, **INTEGERS}))
