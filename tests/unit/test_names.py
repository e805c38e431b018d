"""Names in model files are untrusted: whatever they are, C is what comes out."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graphs import Net
from support.harness import WARNINGS, compile_c, emitted

from tinylearn.emit.card import emit_card
from tinylearn.emit.device import emit_device
from tinylearn.emit.header import emit_header
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import comment, identifier, model_name, unique_identifiers
from tinylearn.emit.source import emit_source
from tinylearn.errors import UsageError
from tinylearn.ir.graph import Graph
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices

HOSTILE = [
    "*/ int evil; /*",
    "a\nb",
    'quote"\\',
    "\\",
    "??/",
    "trailing backslash \\",
    "int",
    "class",
    "weights",
    "arena",
    "initial",
    "forward",
    "size",
    "AT_X",
    "m",
    "été 日本語 🎉",
    "\u202e\u0000\x1b[31m",
    "n" * 10_000,
    "n" * 9_999 + "m",
    "Dense",
    "dense",
    "dense_2",
    "d_dense",
    "dense:pre",
    "%s%n",
    "#define X",
    "1st",
    "",
    " ",
]


def renamed(graph: Graph, names: dict[str, str]) -> Graph:
    """The graph with every tensor and op name mapped through ``names`` by its layer part."""

    def to(name: str) -> str:
        layer, slash, part = name.partition("/")
        return names.get(layer, layer) + slash + part

    tensors = {to(k): replace(t, name=to(k)) for k, t in graph.tensors.items()}
    ops = tuple(
        replace(op, name=to(op.name), layer=names.get(op.layer, op.layer),
                inputs=tuple(to(i) if i else "" for i in op.inputs),
                outputs=tuple(map(to, op.outputs)))
        for op in graph.ops
    )  # fmt: skip
    inputs, outputs = tuple(map(to, graph.inputs)), tuple(map(to, graph.outputs))
    return Graph(graph.name, tensors, ops, inputs, outputs)


def tower(names: list[str]) -> Graph:
    """A network with one layer of each name, every second one behind an addition."""
    net = Net("tower", (4,))
    for i in range(len(names)):
        before = net.cur
        net.dense(f"layer{i}", 4, ("relu", "tanh", None)[i % 3])
        if i % 2:
            net.op("add", f"layer{i}/sum", (net.cur, before))
    net.dense("last", 3, "softmax")
    return renamed(net.done(), {f"layer{i}": name for i, name in enumerate(names)})


def write(folder: Path, model: EmittedModel) -> None:
    (folder / f"{model.name}.h").write_text(emit_header(model))
    (folder / f"{model.name}.c").write_text(emit_source(model))
    (folder / f"{model.name}_device.c").write_text(emit_device(model))


@pytest.mark.parametrize("learn", ["none", "all"])
def test_hostile_names_give_c_that_compiles(tmp_path: Path, learn: str) -> None:
    choices = Choices(learn, optimizer=Optimizer(0.9, 0.1, 2) if learn == "all" else Optimizer())
    for name in ("evil", "w1"):
        model = replace(
            emitted(tower(HOSTILE), choices, name), source_name='*/ "x" ??/', version="1\\"
        )
        write(tmp_path, model)
        for source in (f"{name}.c", f"{name}_device.c"):
            compile_c(tmp_path / source, tmp_path / "out.o", "gcc", *WARNINGS, "-c")
        header = f'extern "C" int f(void);\n#include "{name}.h"\nint f(void) {{ return 0; }}\n'
        (tmp_path / "use.cpp").write_text(header)
        compiler = ("g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-c")
        subprocess.run(["g++", "--version"], capture_output=True, check=True)
        compile_c(tmp_path / "use.cpp", tmp_path / "out.o", compiler[0], *compiler[1:])
        longest = max(
            len(line) for f in tmp_path.glob("evil*") for line in f.read_text().split("\n")
        )
        assert longest <= 200
        assert "int evil;" not in re.sub(
            r"/\*.*?\*/", "", emit_source(model) + emit_header(model), flags=re.DOTALL
        )


def test_model_card_survives_hostile_names() -> None:
    card = emit_card(emitted(tower(HOSTILE), Choices("all"), "evil"), "a board")
    assert all(line.isprintable() for line in card.split("\n"))


@given(st.text(max_size=60))
def test_any_text_becomes_a_model_name(text: str) -> None:
    assert model_name(identifier(text)) == identifier(text)


@given(st.lists(st.text(max_size=50), unique=True, max_size=20))
def test_identifiers_are_unique_lower_case_and_stable(names: list[str]) -> None:
    found = unique_identifiers(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", n) and len(n) < 48 for n in found.values())
    assert unique_identifiers(names) == found


@given(st.text(max_size=200))
def test_comment_stays_inside_a_comment(text: str) -> None:
    inside = comment(text)
    assert "*/" not in inside and "/*" not in inside and "??" not in inside
    assert inside.isascii() and (inside.isprintable() or not inside)
    assert len(inside) <= 200


@pytest.mark.parametrize("name", [
    "", "1st", "Upper", "a-b", "a b", "n" * 41, "int", "class", "tl_model", "size", "uint32",
    "int_fast8", "at", "tl", "ünicode", "x\n", "step",
])  # fmt: skip
def test_bad_model_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        model_name(name)


@pytest.mark.parametrize("name", ["gesture", "w1", "_private", "n" * 40, "sizes", "int32_model"])
def test_good_model_name_is_kept(name: str) -> None:
    assert model_name(name) == name
