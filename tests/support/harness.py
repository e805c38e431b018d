"""Compiles generated C for the host with sanitizers, and calls it through ctypes.

Many models go into one shared library: starting the compiler costs more than a small model.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinylearn.emit import firmware
from tinylearn.emit.header import emit_header
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.source import emit_source
from tinylearn.ir.graph import Graph
from tinylearn.pipeline import Choices, compile_graph

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
_FLAGS = (*WARNINGS, "-O1", "-fsanitize=undefined", "-fno-sanitize-recover", "-shared", "-fPIC")


def emitted(graph: Graph, choices: Choices | None = None, name: str | None = None) -> EmittedModel:
    """A compiled model, ready to be printed as C."""
    compiled = compile_graph(graph, choices or Choices())
    return EmittedModel(name or graph.name, compiled, f"{graph.name}.keras", "0" * 64, "0.0.0")


def _firmware_digest() -> bytes:
    tree = firmware.read_tree("src")
    return hashlib.sha256(b"".join(k.encode() + v for k, v in tree.items())).digest()


def _mergeable(model: EmittedModel, models: int) -> str:
    """The source; enumerators, private to one file, get a prefix where files are merged."""
    text = emit_source(model)
    return text if models == 1 else re.sub(r"\bAT_", f"{model.name.upper()}_AT_", text)


def _library(models: Sequence[EmittedModel], cache: Path) -> Path:
    texts = {}
    for model in models:
        texts[f"{model.name}.h"] = emit_header(model)
        texts[f"{model.name}.c"] = _mergeable(model, len(models))
    texts["unity.c"] = "".join(f'#include "{m.name}.c"\n' for m in models)
    assert len(texts) == 2 * len(models) + 1, "two models of one library have one name"
    digest = hashlib.sha256(repr((sorted(texts.items()), _FLAGS)).encode() + _firmware_digest())
    library = cache / digest.hexdigest()[:20] / "models.so"
    if not library.is_file():
        with tempfile.TemporaryDirectory(dir=cache) as own:
            for name, text in texts.items():
                Path(own, name).write_text(text)
            compile_c(Path(own, "unity.c"), Path(own, library.name), "gcc", *_FLAGS)
            library.parent.mkdir(exist_ok=True)
            os.replace(Path(own, library.name), library)
    return library


def compile_c(source: Path, output: Path, compiler: str, *flags: str) -> None:
    """Compiles one file against the firmware's headers; fails with the compiler's words."""
    command = [compiler, *flags, f"-I{firmware.root() / 'src'}", str(source), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[:4000]}"


def build(models: Sequence[EmittedModel], cache: Path) -> list[CModel]:
    """One shared library for all models; one instance of each, initialised."""
    library = ctypes.CDLL(str(_library(models, cache)))
    return [CModel(library, model) for model in models]


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


class CModel:
    """One instance of a generated model. Guard words behind every buffer must stay as they are."""

    _GUARD = 0x5EC0DE55

    def __init__(self, library: ctypes.CDLL, model: EmittedModel) -> None:
        self.library, self.model = library, model
        self.state = np.full(
            model.compiled.plan.ram_bytes // 4 + 4, self._GUARD, np.uint32
        )  # the rest of the struct starts as garbage
        self.init()

    def _call(self, verb: str, *args: object, result: object = None) -> object:
        function = getattr(self.library, f"{self.model.name}_{verb}")
        function.restype = result
        value = function(_pointer(self.state), *args)
        assert (self.state[-4:] == self._GUARD).all(), f"{verb} wrote behind the struct"
        return value

    def init(self) -> None:
        self._call("init")

    def _run(self, verb: str, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float32)
        before = x.copy()
        y = np.full(self.model.outputs + 4, -12345.0, np.float32)
        self._call(verb, _pointer(x), _pointer(y))
        assert (y[-4:] == -12345.0).all(), f"{verb} wrote behind y"
        assert x.tobytes() == before.tobytes(), f"{verb} changed x"
        return y[:-4]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._run("predict", x)

    def observe(self, x: np.ndarray) -> np.ndarray:
        return self._run("observe", x)

    def _target(self, verb: str, x: np.ndarray, t: np.ndarray) -> float:
        x, t = (np.ascontiguousarray(v, np.float32) for v in (x, t))
        return float(self._call(verb, _pointer(x), _pointer(t), result=ctypes.c_float))

    def learn(self, x: np.ndarray, t: np.ndarray) -> float:
        return self._target("learn", x, t)

    def update(self, x: np.ndarray, t: np.ndarray) -> float:
        return self._target("update", x, t)

    def _label(self, verb: str, x: np.ndarray, label: int) -> float:
        x = np.ascontiguousarray(x, np.float32)
        return float(self._call(verb, _pointer(x), ctypes.c_uint32(label), result=ctypes.c_float))

    def learn_label(self, x: np.ndarray, label: int) -> float:
        return self._label("learn_label", x, label)

    def update_label(self, x: np.ndarray, label: int) -> float:
        return self._label("update_label", x, label)

    def add_class(self) -> int:
        return int(self._call("add_class", result=ctypes.c_int))

    def set_rate(self, rate: float) -> None:
        self._call("set_learning_rate", ctypes.c_float(rate))

    def read(self, offset: int, count: int) -> tuple[int, bytes]:
        to = np.zeros(max(count, 1), np.uint8)
        args = (ctypes.c_uint32(offset), _pointer(to), ctypes.c_uint32(count))
        status = int(self._call("weights_read", *args, result=ctypes.c_int))
        return status, to.tobytes()[:count]

    def write(self, offset: int, content: bytes) -> int:
        data = np.frombuffer(content or b"\0", np.uint8).copy()
        args = (ctypes.c_uint32(offset), _pointer(data), ctypes.c_uint32(len(content)))
        return int(self._call("weights_write", *args, result=ctypes.c_int))

    def weights(self) -> np.ndarray:
        status, content = self.read(0, self.model.weights_bytes)
        assert status == 0
        return np.frombuffer(content, np.float32)
