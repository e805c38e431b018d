"""Kernel calls as C text."""

from __future__ import annotations

import re

from support.graphs import mlp
from support.harness import emitted

from tinylearn.emit.calls import describe, expression, reference, statements, wrapped
from tinylearn.emit.source import emit_source
from tinylearn.ops.base import Call, Macro, Ref, Struct, Symbol
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices

MODEL = emitted(mlp(), Choices("last:1", optimizer=Optimizer(momentum=0.5)), "net")


def test_each_kind_of_argument() -> None:
    sizes = Struct("tl_window_t", (("in_h", 3), ("in_w", 4)))
    args = (Ref("x"), Ref(""), Ref("dense_0/kernel"), Ref("dense_1/kernel"),
            Ref("velocity:dense_1/bias"), Symbol("step"), Symbol("classes"), Symbol("target"),
            Macro("TL_RELU"), sizes, 7, -0.5)  # fmt: skip
    text = expression(MODEL, Call("tl_kernel", args)).replace("\0", " ")
    assert text == (
        "tl_kernel(x, NULL, net_dense_0_kernel, m->weights.dense_1_kernel, "
        "m->velocity_dense_1_bias, step, (int)m->classes, t, TL_RELU, "
        "(tl_window_t){.in_h = 3, .in_w = 4}, 7, -0.5f)"
    )


def test_tensors_lie_with_the_caller_in_the_arena_or_in_flash() -> None:
    frozen = emitted(mlp(sizes=(3, 4, 2), out=None), name="net")
    assert reference(frozen, "x") == "x"
    assert reference(frozen, "dense_1") == "y"
    assert reference(frozen, "dense_0/activation").startswith("m->arena + AT_")


def test_long_calls_are_continued_and_fields_are_not_torn() -> None:
    text = "f(" + ", ".join(f".field{i}\0=\0{i}" for i in range(30)) + ");"
    lines = wrapped(text, 2).split("\n")
    assert len(lines) > 1 and all(len(line) <= 96 for line in lines)
    assert lines[0].startswith("  f(") and all(line.startswith("      ") for line in lines[1:])
    assert all(re.findall(r"\.field\d+\b(?! = \d)", line) == [] for line in lines)


def test_comment_says_layer_shape_activation_and_cost() -> None:
    op = MODEL.compiled.program.forward[0]
    assert describe(MODEL, op) == "/* dense_0: dense, 5 -> 6, relu; 30 MAC */"


def test_ops_without_code_print_nothing() -> None:
    from support.graphs import Net

    net = Net("flat", (2, 2, 1))
    net.flatten()
    net.dense("out", 2)
    model = emitted(net.done())
    printed = statements(model, model.compiled.program.forward)
    assert len(printed) == 2 and "tl_dense_f32(" in printed[1]


def test_each_call_stands_under_its_comment() -> None:
    source = emit_source(MODEL)
    for line in re.findall(r"^  tl_\w+\(.*\n", source, re.MULTILINE):
        above = source[: source.index(line)].rstrip("\n").rsplit("\n", 1)[-1]
        assert above.strip().startswith("/*") and above.strip().endswith("*/")
