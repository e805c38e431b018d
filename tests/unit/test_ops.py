"""Every registered op, through its own cases: a new op is tested by being registered."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from support.compare import compare
from support.graphs import behind_a_learning_layer
from support.harness import emitted

from tinylearn.emit import firmware
from tinylearn.errors import BadInputError, UnsupportedError
from tinylearn.interp import Interpreter, run_graph
from tinylearn.ir.graph import Graph, Op, Tensor, frozen_map
from tinylearn.ops.base import OpDef, all_definitions, definition
from tinylearn.ops.check import checked
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.select_trainable import trainable_layers
from tinylearn.pipeline import Choices, compile_graph

DEFINITIONS = all_definitions()
CASES = [
    pytest.param(case, id=f"{rule.kind}-{i}")
    for rule in DEFINITIONS
    for i, case in enumerate(rule.cases())
]
#: kinds that no gradient passes: they stand before everything that learns
NO_GRADIENT = {"squared_error"}


def is_of_tflite(rule: OpDef) -> bool:
    """What only TFLite files hold is tried against LiteRT instead of by cases of its own, and
    learning in integers by whole programs."""
    return any(header.endswith(("_s8.h", "_i8.h")) for header in rule.headers)


def loss_of(interpreter: Interpreter, x: np.ndarray, t: np.ndarray) -> float:
    """The loss alone: the weights stay as they are."""
    interpreter._forward(x, observing=False)
    loss = interpreter.program.loss
    env = interpreter._env()
    env.target = t
    args = [interpreter.values[loss.inputs[0]]]
    definition(loss.kind).reference(loss, args, env)
    return env.loss


def gradients(graph: Graph, choices: Choices, x: np.ndarray, t: np.ndarray) -> dict:
    """Gradient of every weight that learns, read from one step with rate 1."""
    it = Interpreter(compile_graph(graph, choices).program, rate=1.0)
    trained = [n for n, tensor in it.program.graph.tensors.items() if tensor.trainable]
    before = {n: it.values[n].copy() for n in trained}
    it._forward(x, observing=False)
    assert np.isfinite(it.update(t))
    return {n: before[n] - it.values[n] for n in trained}


def assert_gradients(graph: Graph, choices: Choices, seed: int = 0, probes: int = 3) -> None:
    """Analytic gradients against central differences of the loss along random directions."""
    rng = np.random.default_rng(seed)
    it = Interpreter(compile_graph(graph, choices).program, rate=1.0)
    x = rng.normal(size=it.program.input.shape)
    n = it.program.result.size
    t = rng.dirichlet(np.ones(n)) if "cross" in it.program.loss.kind else rng.normal(size=n)
    for name, gradient in gradients(graph, choices, x, t).items():
        at = it.values[name]
        for _ in range(probes):
            step = rng.normal(size=at.shape) * 1e-5
            it.values[name] = at + step
            above = loss_of(it, x, t)
            it.values[name] = at - step
            below = loss_of(it, x, t)
            scale = np.linalg.norm(gradient) * np.linalg.norm(step) + 1e-12
            found = (gradient * step).sum()
            assert found == pytest.approx((above - below) / 2, abs=2e-5 * scale), (graph.name, name)
        it.values[name] = at


@pytest.mark.parametrize("rule", DEFINITIONS, ids=lambda rule: rule.kind)
def test_op_says_what_it_is(rule: OpDef) -> None:
    assert rule.__doc__
    for header in rule.headers:
        assert firmware.read(f"src/{header}"), f"{rule.kind}: no kernel header {header}"
    assert rule.alias or rule.headers, f"{rule.kind} calls no kernel"


@pytest.mark.parametrize("rule", DEFINITIONS, ids=lambda rule: rule.kind)
def test_op_that_models_can_hold_has_cases(rule: OpDef) -> None:
    internal = {"accumulate", "copy", "alias", "scale_weights", "add_scaled", "clear"}
    is_internal = rule.kind in internal or re.search(r"_backward$|_loss$", rule.kind)
    if is_of_tflite(rule):
        assert not rule.cases()
        return
    assert bool(rule.cases()) != bool(is_internal)
    assert bool(rule.summary) == bool(rule.cases())


@pytest.mark.parametrize("case", CASES)
def test_case_is_a_valid_graph_and_its_kernel_exists(case: Graph) -> None:
    checked(case)
    for op in case.ops:
        rule = definition(op.kind)
        call = rule.call(op, case)
        assert (call is None) == rule.alias
        if call is not None:
            sources = b"".join(firmware.read(f"src/{h}") for h in rule.headers).decode()
            assert re.search(rf"\b{call.function}\(", sources)


@pytest.mark.parametrize("case", CASES)
def test_reference_gives_the_shape_of_the_rule(case: Graph) -> None:
    x = np.random.default_rng(0).normal(size=case.shape("x"))
    assert run_graph(case, x).shape == case.shape(case.outputs[0])


@pytest.mark.parametrize("case", CASES)
def test_float32_reference_is_the_float64_reference_rounded(case: Graph) -> None:
    x = np.random.default_rng(1).normal(size=case.shape("x")).astype(np.float32)
    single = run_graph(case, x, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, run_graph(case, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_gradients_equal_finite_differences(case: Graph) -> None:
    graph, choices = behind_a_learning_layer(case), Choices(learn="all", loss="mse")
    if case.ops[0].kind in NO_GRADIENT:
        with pytest.raises(UnsupportedError, match="learn fewer layers"):
            compile_graph(graph, choices)
        return
    assert_gradients(graph, choices)


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [("mse", 1), ("mse", 5), ("categorical_crossentropy", 2), ("categorical_crossentropy", 5),
     ("binary_crossentropy", 1), ("binary_crossentropy", 5)],
)  # fmt: skip
def test_loss_gradients_equal_finite_differences(loss: str, outputs: int) -> None:
    case = definition("dense").cases()[-1]
    rows = {t.name: replace(t, shape=(outputs, *t.shape[1:]), data=t.data[:outputs])
            for t in case.tensors.values() if t.stored}  # fmt: skip
    out = Tensor("layer", (outputs,))
    graph = case.with_tensors([*rows.values(), out])
    assert_gradients(graph, Choices(learn="all", loss=loss))


def _programs(case: Graph, prefix: str) -> list:
    """The case inferring, learning with and without an input gradient, and frozen within."""
    steady = Optimizer(skip_zero_deltas=False)
    models = [emitted(case, Choices(), f"{prefix}_infer")]
    behind = behind_a_learning_layer(case)
    if case.ops[0].kind not in NO_GRADIENT:
        choices = Choices(learn="all", loss="mse")
        models.append(emitted(behind, choices, f"{prefix}_all"))
        models.append(emitted(behind, replace(choices, learn="before"), f"{prefix}_before"))
    if trainable_layers(case):
        choices = Choices(learn="layer", loss="mse", optimizer=steady)
        models.append(emitted(behind, choices, f"{prefix}_layer"))
    return models


@pytest.mark.parametrize("rule", [d for d in DEFINITIONS if d.cases()], ids=lambda rule: rule.kind)
def test_generated_c_equals_the_float64_reference(rule: OpDef, build) -> None:
    models = [m for i, case in enumerate(rule.cases()) for m in _programs(case, f"case{i}")]
    for c in build(*models):
        assert compare(c).worst <= 1e-5, c.model.name


def _graph(kind: str, shapes: list[tuple[int, ...]], attrs: dict | None = None) -> Graph:
    names = [f"t{i}" for i in range(len(shapes))]
    tensors = {n: Tensor(n, s) for n, s in zip(names, shapes, strict=True)}
    op = Op(kind, "op", tuple(names), ("y",), frozen_map(attrs or {}), (), "the_layer")
    return Graph("g", frozen_map({**tensors, "y": Tensor("y", (1,))}), (op,), (names[0],), ("y",))


WINDOW = {"kernel": (3, 3), "strides": (1, 1), "padding": "valid"}
MISFITS = [
    ("dense", [(3,), (4, 5), (4,)], {}),
    ("dense", [(5,), (5,), (4,)], {}),
    ("conv2d", [(6, 6), (4, 3, 3, 2), (4,)], WINDOW),
    ("conv2d", [(6, 6, 3), (4, 3, 3, 2), (4,)], WINDOW),
    ("conv2d", [(6, 6, 2), (4, 5, 5, 2), (4,)], WINDOW),
    ("conv2d", [(2, 2, 2), (4, 3, 3, 2), (4,)], WINDOW),
    ("depthwise_conv2d", [(6, 6, 2), (3, 3, 3), (3,)], WINDOW),
    ("depthwise_conv2d", [(6, 6, 2), (2, 2, 4), (4,)], WINDOW),
    ("max_pool", [(2, 9, 1)], WINDOW),
    ("average_pool", [(9, 9)], WINDOW),
    ("max_pool", [(9, 9, 1)], {**WINDOW, "strides": (0, 1)}),
    ("average_pool", [(3, 3, 1)], {**WINDOW, "kernel": (5, 5), "strides": (-1, -1)}),
    ("max_pool", [(9, 9, 1)], {**WINDOW, "kernel": (0, 1)}),
    ("global_average_pool", [(4,)], {}),
    ("zero_pad", [(4, 4)], {"pads": (1, 1, 1, 1)}),
    ("zero_pad", [(4, 4, 1)], {"pads": (1, -1, 1, 1)}),
    ("reshape", [(4, 4)], {"shape": (4, 5)}),
    ("reshape", [(4, 4)], {"shape": (-4, -4)}),
    ("reshape", [(4, 4)], {"shape": ()}),
    ("reshape", [(1, 1)], {"shape": (1 << 32, 1 << 32)}),
    ("add", [(4, 4), (4, 3)], {}),
    ("add", [(4, 4), (4, 1)], {}),
    ("multiply", [(4, 4), (4, 3)], {}),
    ("multiply", [(4, 1), (4, 4)], {}),
    ("concat_part", [(2, 3)], {"axis": 1, "at": 0, "out_shape": (3, 6)}),
    ("concat_part", [(2, 3)], {"axis": 1, "at": 4, "out_shape": (2, 6)}),
    ("concat_part", [(2, 3)], {"axis": 1, "at": -1, "out_shape": (2, 6)}),
    ("concat_part", [(2, 3)], {"axis": 2, "at": 0, "out_shape": (2, 6)}),
    ("scale_shift", [(3, 2), (3,), (3,)], {}),
    ("squared_error", [(3, 2), (5,)], {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "shapes", "attrs"), MISFITS)
def test_shapes_that_do_not_go_together_are_refused(kind, shapes, attrs) -> None:
    graph = _graph(kind, shapes, attrs)
    with pytest.raises(BadInputError, match=r"the_layer|op op\b"):
        definition(kind).shapes(graph.ops[0], graph)


def test_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnsupportedError, match=r"'warp'.*conv2d.*dense"):
        definition("warp")


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (4, 4)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 1), (4, 5)])
def test_convolution_equals_the_sum_written_out(padding, kernel, strides) -> None:
    """An oracle for the oracle: TensorFlow's definition of a convolution, as loops."""
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(6, 7, 2)), rng.normal(size=(3, *kernel, 2))
    attrs = {"kernel": kernel, "strides": strides, "padding": padding}
    graph = _graph("conv2d", [x.shape, w.shape, (3,)], attrs)
    args = [x, w, np.zeros(3)]
    (y,) = definition("conv2d").reference(graph.ops[0], args, None)
    same = padding == "same"
    out = [-(-x.shape[i] // strides[i]) if same else -(-(x.shape[i] - kernel[i] + 1) // strides[i])
           for i in (0, 1)]  # fmt: skip
    pad = [max((out[i] - 1) * strides[i] + kernel[i] - x.shape[i], 0) // 2 if same else 0
           for i in (0, 1)]  # fmt: skip
    want = np.zeros((*out, 3))
    for r, c, k_r, k_c in np.ndindex(*out, *kernel):
        row, column = r * strides[0] - pad[0] + k_r, c * strides[1] - pad[1] + k_c
        if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
            want[r, c] += w[:, k_r, k_c] @ x[row, column]
    np.testing.assert_allclose(y, want, atol=1e-12)
