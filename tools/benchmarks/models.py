"""What a folder of .tflite models costs and whether generated code equals LiteRT, byte by byte.

Exactness is tried on the host twin with seeded random, constant and extreme inputs; instructions
are counted on the emulated boards that the model fits, with some of the same inputs compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tflm

from tinylearn.cli.output import print_table
from tinylearn.device.build import build_project
from tinylearn.device.host import open_device
from tinylearn.device.twin import load_twin
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.names import identifier
from tinylearn.emit.write import write_project
from tinylearn.errors import TinylearnError
from tinylearn.importers import tflite
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.planner.costs import macs
from tinylearn.report.fit import fit
from tinylearn.report.size import model_code_bytes
from tinylearn.targets import all_targets, find
from tinylearn.train.litert import interpreter

CORES = ("cortex-m4f", "cortex-m55")
#: inputs that a board is asked as well, of those the twin is asked
ON_BOARD = 4


@dataclass
class Row:
    """One model. ``instructions`` of an inference by core; ``max_abs_err`` in steps for integer
    outputs; ``fits``: names of targets."""

    name: str
    operators: list[str] = field(default_factory=list)
    inputs_tried: int = 0
    mismatched_bytes: int = 0
    max_abs_err: float = 0.0
    macs: int = 0
    code_bytes: int = 0
    weight_bytes: int = 0
    ram_bytes: int = 0
    stack_bytes: int = 0
    file_bytes: int = 0
    #: what TFLM's arena needs, and its part for activations; None where that cannot be measured
    tflm: dict[str, int] | None = None
    instructions: dict[str, int] = field(default_factory=dict)
    board_mismatched_bytes: dict[str, int] = field(default_factory=dict)
    fits: list[str] = field(default_factory=list)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row without what does not apply."""
        return {k: v for k, v in vars(self).items() if k not in ("error", "tflm") or v}


def inputs_for(shape: tuple[int, ...], dtype: str, count: int) -> np.ndarray:
    """Seeded inputs: random ones of several spreads, constants, extremes, and one-hot ones."""
    rng, size = np.random.default_rng(0), int(np.prod(shape))
    if dtype == "float32":
        spreads = rng.choice([0.1, 1.0, 10.0, 100.0], (count, 1))
        rows = rng.standard_normal((count, size)) * spreads
        fixed = [np.zeros(size), np.ones(size), -np.ones(size)]
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        rows = rng.integers(low, high + 1, (count, size))
        narrow = rng.integers(
            low // 8 + (high + low) // 2, high // 8 + (high + low) // 2, rows.shape
        )
        rows[1::4] = narrow[1::4]
        rows[2::4] = rng.choice([low, high], rows[2::4].shape)
        fixed = [np.full(size, v) for v in np.linspace(low, high, 9).astype(int)]
        fixed += [np.arange(size) % 256 + low, np.where(np.arange(size) % 2, low, high)]
    rows[: len(fixed)] = fixed
    return rows.astype(dtype)


def expected(path: Path, rows: np.ndarray, rounding: str) -> np.ndarray:
    """LiteRT's outputs, one row an input."""
    oracle = interpreter(path, reference=rounding == "single")
    oracle.allocate_tensors()
    (source,), (result,) = oracle.get_input_details(), oracle.get_output_details()
    outputs = []
    for row in rows:
        oracle.set_tensor(source["index"], row.reshape(source["shape"]))
        oracle.invoke()
        outputs.append(oracle.get_tensor(result["index"]).ravel().copy())
    return np.array(outputs)


def emitted(path: Path, rounding: str) -> EmittedModel:
    """The model, compiled for inference."""
    compiled = compile_graph(tflite.load(path, rounding), Choices())
    return EmittedModel(identifier(path.stem), compiled, path.name, "0" * 64, "bench")


@contextmanager
def project(model: EmittedModel, core: str) -> Iterator[Path]:
    """A generated project in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "project"
        write_project(out, project_files(model, find(core), "makefile"))
        yield out


def differing(got: np.ndarray, wanted: np.ndarray) -> int:
    """Bytes that differ; of floats, values further apart than 1e-5 of the largest."""
    if wanted.dtype.kind != "f":
        return int(np.count_nonzero(got != wanted))
    scale = max(1.0, float(np.abs(wanted).max()))
    return int(np.count_nonzero(~(np.abs(got - wanted) <= 1e-5 * scale)))


def compare_twin(row: Row, model: EmittedModel, rows: np.ndarray, wanted: np.ndarray) -> None:
    """Exactness on the host."""
    with project(model, CORES[0]) as folder:
        twin = load_twin(folder, model.name, CORES[0]).open()
        got = np.asarray(twin.predict(rows)).reshape(wanted.shape)
        twin.close()
    row.inputs_tried, row.mismatched_bytes = len(rows), differing(got, wanted)
    row.max_abs_err = float(np.abs(got.astype(float) - wanted.astype(float)).max())


def measure_board(row: Row, model: EmittedModel, core: str, rows: np.ndarray,
                  wanted: np.ndarray) -> None:  # fmt: skip
    """Instructions, stack and exactness on an emulated board."""
    with project(model, core) as folder:
        build_project(folder, model.name, find(core))
        if core == CORES[0]:
            row.code_bytes = model_code_bytes(folder, model.name, row.weight_bytes)
        with open_device("emulator", folder) as device:
            answers = [device.measure_predict(x) for x in rows[:ON_BOARD]]
    got = np.array([y for y, _ in answers])
    row.board_mismatched_bytes[core] = differing(got, wanted[: len(got)])
    row.instructions[core] = round(sum(c.instructions for _, c in answers) / len(answers))
    row.stack_bytes = max(row.stack_bytes, *(c.stack_bytes for _, c in answers))


def examine(path: Path, count: int, rounding: str, cores: list[str]) -> Row:
    """Everything about one model; what stops it stands in ``error``."""
    row = Row(path.stem, file_bytes=path.stat().st_size)
    try:
        model = emitted(path, rounding)
        program, plan = model.compiled.program, model.compiled.plan
        row.operators = sorted({op.kind for op in program.forward})
        row.macs, row.weight_bytes = macs(program, program.forward), plan.flash_weights
        row.ram_bytes, row.tflm = plan.ram_bytes, tflm.arena(path)
        row.fits = [t.name for t in all_targets() if fit(model, t).fits]
        rows = inputs_for(program.input.shape, program.input.dtype, count)
        wanted = expected(path, rows, rounding)
        compare_twin(row, model, rows, wanted)
        for core in cores:
            if core in row.fits:
                measure_board(row, model, core, rows, wanted)
    except TinylearnError as error:
        row.error = str(error)
    return row


def show(rows: list[Row], cores: list[str]) -> None:
    """The table for people."""
    columns = ("model", ">inputs", ">bytes that differ", ">max err", ">MAC", ">code B", ">weights B",
               ">RAM B", ">TFLM's arena", *(f">{c} instr" for c in cores), "fits")  # fmt: skip
    lines = [
        (r.name, r.inputs_tried, r.mismatched_bytes + sum(r.board_mismatched_bytes.values()),
         r.max_abs_err, r.macs, r.code_bytes, r.weight_bytes, r.ram_bytes,
         r.tflm["arena_bytes"] if r.tflm else "",
         *(r.instructions.get(c, "") for c in cores), r.error or f"{len(r.fits)} targets")
        for r in rows
    ]  # fmt: skip
    print_table(columns, lines)
    for r in rows:
        print(f"{r.name}: {', '.join(r.operators)}; fits {', '.join(r.fits) or 'no target'}")


def main() -> None:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(prog="tools/bench models", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inputs", type=int, default=256, help="a model (default 256)")
    parser.add_argument("--rounding", choices=("single", "double"), default="single")
    parser.add_argument("--cores", default=",".join(CORES), help="comma-separated, or none")
    args = parser.parse_args()
    cores = [c for c in args.cores.split(",") if c != "none"]
    paths = sorted(args.folder.glob("*.tflite"))
    if not paths:
        sys.exit(f"{args.folder}: no .tflite file there")
    rows = []
    for path in paths:
        print(f"examining {path.name}", file=sys.stderr)
        rows.append(examine(path, args.inputs, args.rounding, cores))
    if args.json:
        print(json.dumps({"rows": [r.as_json() for r in rows]}, indent=2))
    else:
        show(rows, cores)


if __name__ == "__main__":
    main()
