"""Writes the C of many single-operator models as one program, and what LiteRT makes of its inputs.

Kernels are called through functions with sizes as parameters (shared_s8.h), so that hundreds of
cases are compiled in seconds; ``literal`` leaves the calls as the generator prints them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from cases_s8 import Case
from support.harness import _mergeable
from support.tflite_models import Net, emitted

from tinylearn.emit.header import emit_header
from tinylearn.emit.model import EmittedModel

INPUTS = 8
_ORACLES = {
    "single": OpResolverType.BUILTIN_REF,
    "double": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


@dataclass(frozen=True)
class Vector:
    """A model of one operator and its file."""

    name: str
    model: EmittedModel
    content: bytes
    rounding: str

    @property
    def _shapes(self) -> tuple[str, int, str, int]:
        program = self.model.compiled.program
        return (program.input.dtype, program.input.size, program.result.dtype, program.result.size)

    def c_row(self) -> str:
        """Its row in the program's table."""
        x_type, n_x, y_type, n_y = self._shapes
        y_bytes = n_y * np.dtype(y_type).itemsize
        is_float = int(x_type == "float32")
        return f'  {{"{self.name}", run_{self.name}, {n_x}, {y_bytes}, sizeof({self.name}_t), {is_float}}},\n'

    def c_run(self) -> str:
        """Its function of three pointers."""
        x_type, _, y_type, _ = self._shapes
        c_x, c_y = (t if t == "float" else f"{t}_t" for t in
                    (t.replace("float32", "float") for t in (x_type, y_type)))  # fmt: skip
        return (f"static void run_{self.name}(void *m, const void *x, void *y) {{\n"
                f"  {self.name}_init(({self.name}_t *)m);\n"
                f"  {self.name}_predict(({self.name}_t *)m, (const {c_x} *)x, ({c_y} *)y);\n}}\n")  # fmt: skip

    def oracle(self) -> str:
        """The line that the program has to print."""
        interpreter = Interpreter(
            model_content=self.content, experimental_op_resolver_type=_ORACLES[self.rounding]
        )
        interpreter.allocate_tensors()
        (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
        outputs = b""
        for x in inputs(self._shapes[1], self._shapes[0]):
            interpreter.set_tensor(source["index"], x.reshape(source["shape"]))
            interpreter.invoke()
            outputs += interpreter.get_tensor(result["index"]).tobytes()
        return f"{self.name} {_hash(outputs):08x}"


def inputs(n: int, dtype: str) -> list[np.ndarray]:
    """As vectors_s8.c makes them: both ends, both in turn, and pseudo-random bytes."""
    rows = np.zeros((INPUTS, n), np.uint8)
    rows[0], rows[1], rows[2] = 128, 127, 128 - np.arange(n) % 2
    seed = 1
    for k in range(3 * n, INPUTS * n):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        rows[k // n, k % n] = seed >> 24
    if dtype == "float32":
        return list(rows.view(np.int8).astype(np.float32) * np.float32(0.0625))
    return list(rows.view(dtype))


def _hash(data: bytes) -> int:
    """FNV-1a, 32 bits."""
    value = 2166136261
    for byte in data:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def vectors(cases: Mapping[str, Case], dtype: str, rounding: str, folder: Path) -> list[Vector]:
    """A vector for each case."""
    made = []
    for case, put in cases.items():
        name = f"{dtype[0].lower()}8_{rounding}_{case}"
        net, path = Net(name, dtype), folder / f"{name}.tflite"
        put(net)
        path.write_bytes(net.settled())
        made.append(Vector(name, emitted(path, rounding, name), path.read_bytes(), rounding))
    return made


def write(made: list[Vector], folder: Path, literal: bool = False) -> None:
    """models.h and what it includes: everything that vectors_s8.c needs."""
    for vector in made:
        text = _mergeable(vector.model, len(made))
        if not literal:
            text = re.sub(r"^  tl_(\w+)\(", r"  shared_\1(", text, flags=re.MULTILINE)
        (folder / f"{vector.name}.h").write_text(emit_header(vector.model))
        (folder / f"{vector.name}.c").write_text(text)
    include = "".join(f'#include "{vector.name}.c"\n' for vector in made)
    functions = "".join(vector.c_run() for vector in made)
    rows = "".join(vector.c_row() for vector in made)
    table = f"static const case_t cases[] = {{\n{rows}}};\n"
    (folder / "models.h").write_text(f'#include "shared_s8.h"\n{include}{functions}{table}')
