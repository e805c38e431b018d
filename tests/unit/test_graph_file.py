"""<name>_graph.npz: everything survives, and hostile bytes are one clear refusal."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import mlp

from tinylearn.emit.graph_file import dump, load
from tinylearn.errors import BadInputError
from tinylearn.interp import run_graph
from tinylearn.ops.base import all_definitions
from tinylearn.passes.backward import Optimizer
from tinylearn.passes.head import Head
from tinylearn.pipeline import Choices

CHOICES = Choices(
    "last:2", "mse", 0.5, Optimizer(0.9, 0.1, 4, False), Head(3), 7, True, 9, "gated", True
)
GOOD = dump(mlp(), CHOICES)


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        return {n: archive.read(n) for n in archive.namelist()}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def array(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def described(**changes: object) -> bytes:
    """The file with its JSON changed."""
    files = members()
    text = json.loads(np.load(io.BytesIO(files["graph.npy"])).tobytes())
    text.update(changes)
    return with_text(json.dumps(text).encode())


def with_text(text: bytes) -> bytes:
    return packed({**members(), "graph.npy": array(np.frombuffer(text, np.uint8))})


def declared(shape: str, dtype: str = "<f4") -> bytes:
    """An array whose header promises far more than the file holds."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(16)


OP = {"kind": "dense", "name": "a", "layer": "", "inputs": ["x"], "outputs": ["a"], "updates": [],
      "attrs": {}}  # fmt: skip
HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "zip of nothing": packed({}),
    "other zip": packed({"a.txt": b"hello"}),
    "no weights": packed({"graph.npy": members()["graph.npy"]}),
    "pickle": packed({**members(), "w0.npy": array(np.array([{}], dtype=object))}),
    "float64": packed({**members(), "w0.npy": array(np.zeros((6, 5)))}),
    "text weights": packed({**members(), "w0.npy": array(np.full((6, 5), "a"))}),
    "other shape": packed({**members(), "w0.npy": array(np.zeros((6, 4), np.float32))}),
    "nan": packed({**members(), "w0.npy": array(np.full((6, 5), np.nan, np.float32))}),
    "huge array": packed({**members(), "w0.npy": declared("(1000000000000, 1000)")}),
    "negative array": packed({**members(), "w0.npy": declared("(-1,)")}),
    "bomb": packed({**members(), "w0.npy": bytes(1 << 29)}, zipfile.ZIP_DEFLATED),
    "not json": with_text(b"{"),
    "not utf-8": with_text(b"\xff\xfe"),
    "deep json": with_text(b"[" * 100_000),
    "json list": with_text(b"[1, 2]"),
    "json number": with_text(b"7"),
    "no choices": described(choices=None),
    "list of choices": described(choices=[1]),
    "unknown choice": described(choices={**CHOICES.as_json(), "colour": "red"}),
    "no ops": described(ops=[]),
    "unknown op": described(ops=[{**OP, "kind": "warp"}]),
    "op without inputs": described(ops=[{**OP, "inputs": []}]),
    "op of numbers": described(ops=[1, 2]),
    "stride 0": described(ops=[{**OP, "kind": "max_pool", "attrs": {
        "kernel": [1, 1], "strides": [0, 0], "padding": "valid"}}]),
    "no inputs": described(inputs=[]),
    "huge tensor": described(tensors=[["x", [1 << 40, 1 << 40], "activation"]]),
    "names of numbers": described(tensors=[[1, [2], 3]]),
    "stored elsewhere": described(stored=["x"] * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(HOSTILE[name])
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(BadInputError, match=r"bad\.npz"):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 5


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.npz"):
        load(tmp_path / "none.npz")


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not a tinylearn graph"):
        load(tmp_path)


@pytest.mark.parametrize("keep", [1, 30, 200, len(GOOD) // 2, len(GOOD) - 30, len(GOOD) - 1])
def test_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    (tmp_path / "cut.npz").write_bytes(GOOD[:keep])
    with pytest.raises(BadInputError, match=r"cut\.npz"):
        load(tmp_path / "cut.npz")


@given(st.data())
@settings(max_examples=150)
def test_damaged_bytes_are_refused_or_harmless(tmp_path_factory, data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(GOOD) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "d.npz"
    path.write_bytes(bytes(content))
    with suppress(BadInputError):
        graph, choices = load(path)
        assert dump(graph, choices) == GOOD, "the archive's checksums cover all content"


def test_round_trip(tmp_path: Path) -> None:
    (tmp_path / "g.npz").write_bytes(GOOD)
    graph, choices = load(tmp_path / "g.npz")
    assert choices == CHOICES
    assert dump(graph, choices) == GOOD
    x = np.linspace(-1, 1, 5)
    assert (run_graph(graph, x) == run_graph(mlp(), x)).all()


@pytest.mark.parametrize("rule", [d for d in all_definitions() if d.cases()], ids=lambda d: d.kind)
def test_attributes_of_every_op_survive(tmp_path: Path, rule) -> None:
    for case in rule.cases():
        (tmp_path / "case.npz").write_bytes(dump(case, Choices()))
        graph, _ = load(tmp_path / "case.npz")
        assert [(o.kind, o.inputs, dict(o.attrs), o.updates) for o in graph.ops] == [
            (o.kind, o.inputs, dict(o.attrs), o.updates) for o in case.ops
        ]


def test_file_holds_no_time_and_no_path() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
