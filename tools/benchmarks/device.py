"""Instructions, RAM and code size of generated code on emulated boards, beside the peers' figures.

Workloads W1-W3: one-hidden-layer-scale networks with stored weights, 8 samples, and float64
results after 8 SGD steps at rate 0.01. Instructions are exact and repeatable (QEMU -icount).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import models
import numpy as np
import workloads

from tinylearn.cli.output import print_table
from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.errors import DoesNotFitError
from tinylearn.report.size import model_code_bytes

RATE = 0.01
#: measured on the same emulated Cortex-M4F with the same workloads (instructions a learning step)
PEERS = {
    "AIfES 2.2": (141_103, 282_586, 12_212_433),
    "KANN": (37_048, 58_319, 1_888_093),
    "CMSIS-DSP autodiff (branch)": (33_383, None, None),
    "PULP-TrainLib, one core": (30_394, 51_836, None),
    "NeuralNetworks (GiorgosXou)": (28_936, 53_736, None),
    "plain C, separate passes": (27_110, 44_984, 705_742),
    "plain C, fused update": (21_400, 30_581, 613_376),
    "best hand-written C": (11_004, 17_948, 668_518),
    "best hand-written C, skipping zeros": (8_288, 15_255, 455_562),
}
PEERS_INT8 = {
    "CMSIS-NN": (None, 12_545, 300_866),
    "TFLM + CMSIS-NN": (None, 12_855, 292_221),
    "onnx2c": (None, 21_211, 335_546),
}
PEERS_INFERENCE = {
    "TFLM float": (None, 14_657, 1_257_597),
    "onnx2c float": (None, 18_039, 225_425),
    "AIfES 2.2": (None, 17_321, 2_416_358),
    "best hand-written C": (None, 7_716, 172_858),
}


@dataclass(frozen=True)
class Row:
    """One measurement. ``instructions``: mean over the 8 samples; of an inference for "none"."""

    workload: str
    core: str
    learn: str
    skip_zero_deltas: bool
    instructions: int
    ram_bytes: int
    code_bytes: int
    max_rel_err: float
    struct_bytes: int
    stack_bytes: int
    dtype: str = "float32"
    #: of int8 models: bytes that differ from LiteRT's reference kernels, over 256 inputs
    mismatched_bytes: int = 0


#: workloads that are measured as int8 models, with and without their softmax
INT8 = {"W2": True, "W2 logits": False, "W3": True}


def int8_rows(names: list[str], cores: list[str], shared: Path, work: Path) -> Iterator[Row]:
    """Inference of the quantized workloads."""
    for title, softmax in INT8.items():
        name = title.split()[0]
        path = work / f"{title.lower().replace(' ', '_')}_int8.tflite"
        if name not in names:
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            workloads.save_tflite(workloads.load(shared, name), name, path, softmax)
        print(f"measuring {title} int8", file=sys.stderr)
        row = models.examine(path, 256, "single", cores)
        if row.error:
            sys.exit(row.error)
        for core, instructions in row.instructions.items():
            wrong = row.mismatched_bytes + row.board_mismatched_bytes[core]
            yield Row(title, core, "none", True, instructions, row.ram_bytes + row.stack_bytes,
                      row.code_bytes, 0.0, row.ram_bytes, row.stack_bytes, "int8", wrong)  # fmt: skip


def generate(model: Path, core: str, learn: str, skip: bool, folder: Path) -> dict | None:
    """Runs the generator and the compiler as a user would; returns the info file's content, or
    None where the model does not fit the target."""
    command = [sys.executable, "-m", "tinylearn"]
    selection = {"all": "all", "last": "last:1", "none": "none"}[learn]
    options = ["--learn", selection, "--rate", str(RATE)]
    options += [] if skip else ["--no-skip-zero-deltas"]
    if not run([*command, "generate", str(model), "-o", str(folder), "--target", core, *options]):
        return None
    run([*command, "build", str(folder)])
    return json.loads(next(folder.glob("*_info.json")).read_text())


def run(command: list[str]) -> bool:
    """Runs a command: True, or False where the model does not fit. Ends the benchmark with what
    it said where it fails otherwise."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, DoesNotFitError.exit_code):
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode == 0


def relative(got: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, relative to the largest magnitude wanted."""
    return float(np.abs(got - wanted).max() / np.abs(wanted).max())


def measure(device: Device, arrays: dict, learn: str) -> tuple[int, int, float]:
    """(mean instructions, largest stack, largest relative error)."""
    first, cost = device.measure_predict(arrays["X"][0])
    error, costs = relative(first, arrays["y0"]), [cost]
    if learn == "none":
        costs = [device.measure_predict(x)[1] for x in arrays["X"]]
    else:
        steps = [
            device.learn(x, target=t, measure=True, raw=True)
            for x, t in zip(arrays["X"], arrays["T"], strict=True)
        ]
        costs = [step.cost for step in steps]
    if learn == "all":
        error = max(error, relative(device.predict(arrays["X"][0]), arrays["yN"]))
    stack = max(cost.stack_bytes, *(c.stack_bytes for c in costs))
    return round(sum(c.instructions for c in costs) / len(costs)), stack, error


def rows_of(model: Path, name: str, core: str, arrays: dict, work: Path) -> Iterator[Row]:
    """All measurements of one workload on one core."""
    for learn, skip in (("all", False), ("all", True), ("last", True), ("none", True)):
        folder = work / f"{name}-{core}-{learn}-{int(skip)}"
        info = generate(model, core, learn, skip, folder)
        if info is None:
            continue
        with open_device("emulator", folder) as device:
            instructions, stack, error = measure(device, arrays, learn)
        code = model_code_bytes(folder, info["name"], info["flash"]["weights"])
        struct = info["ram_bytes"]
        yield Row(name, core, learn, skip, instructions, struct + stack, code, error, struct, stack)


def bench(cores: list[str], names: list[str]) -> list[Row]:
    """Runs everything."""
    shared = workloads.find_workloads()
    if shared is None:
        sys.exit(
            "the workloads (w1.npz, w2.npz, w3.npz) are not there; see tools/benchmarks/workloads.py"
        )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            arrays = workloads.load(shared, name)
            model = Path(folder) / f"{name.lower()}.keras"
            with contextlib.redirect_stdout(io.StringIO()):
                workloads.save_keras(arrays, name, model)
            for core in cores:
                print(f"measuring {name} on {core}", file=sys.stderr)
                rows += rows_of(model, name, core, arrays, Path(folder))
        rows += int8_rows(names, cores, shared, Path(folder))
    return rows


def show(rows: list[Row]) -> None:
    """Our table, then the peers'."""
    columns = ("workload", "dtype", "core", "learn", "skip zeros", ">instructions", ">RAM B", ">struct", ">stack",
               ">code B", ">max rel err", ">bytes that differ")  # fmt: skip
    lines = [
        (r.workload, r.dtype, r.core, r.learn, r.skip_zero_deltas, r.instructions, r.ram_bytes,
         r.struct_bytes, r.stack_bytes, r.code_bytes, r.max_rel_err, r.mismatched_bytes)
        for r in rows
    ]  # fmt: skip
    print_table(columns, lines)
    for title, learn, peers in (
        ("Instructions a learning step, all layers, Cortex-M4F", "all", PEERS),
        ("Instructions an inference, Cortex-M4F", "none", PEERS_INFERENCE),
    ):
        print()
        print_table(("", ">W1", ">W2", ">W3"), [*ours(rows, learn), *theirs(peers)], title)
    show_int8(rows)


def show_int8(rows: list[Row]) -> None:
    """Quantized inference beside the peers'."""
    found = {
        r.workload: r.instructions for r in rows if (r.dtype, r.core) == ("int8", "cortex-m4f")
    }
    if found:
        line = ("tinylearn", *(found.get(w, "") for w in ("W1", "W2", "W3")))
        print()
        print_table(("", ">W1", ">W2", ">W3"), [line, *theirs(PEERS_INT8)],
                    "Instructions an int8 inference with softmax, Cortex-M4F")  # fmt: skip


def ours(rows: list[Row], learn: str) -> list[tuple[object, ...]]:
    """Our lines of a comparison."""
    lines = []
    for skip in (False, True):
        found = {r.workload: r.instructions for r in rows if r.dtype == "float32"
                 and (r.core, r.learn, r.skip_zero_deltas) == ("cortex-m4f", learn, skip)}  # fmt: skip
        if found:
            name = "tinylearn" + (", skipping zeros" if skip and learn == "all" else "")
            lines.append((name, *(found.get(w, "") for w in ("W1", "W2", "W3"))))
    return lines


def theirs(peers: dict) -> list[tuple[object, ...]]:
    """The peers' lines of a comparison."""
    return [(name, *("" if v is None else v for v in values)) for name, values in peers.items()]


def main() -> None:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(prog="tools/bench device", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cores", default="cortex-m4f", help="comma-separated targets, or all")
    parser.add_argument("--workloads", default="W1,W2,W3")
    args = parser.parse_args()
    cores = args.cores.split(",")
    if args.cores == "all":
        from tinylearn.targets import all_targets

        cores = [t.name for t in all_targets() if t.emulator]
    rows = bench(cores, args.workloads.split(","))
    print(json.dumps({"rows": [asdict(r) for r in rows]}, indent=2)) if args.json else show(rows)


if __name__ == "__main__":
    main()
