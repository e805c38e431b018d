"""The demo: a digit classifier that keeps learning on a Cortex-M4F while the world changes.

A small CNN is trained here on the handwritten digits 0-8 that scikit-learn ships. On the board it
meets a stream that differs from its training: first the digits as it knows them, then faint and
shifted ones, then a class it has never seen, 9, as a new label. The same stream goes to a frozen
and to a learning device. Then the second act, see demo_fleet.py: a fleet that learns together; and
the third, demo_registry.py: which model runs on which device.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import demo_fleet
import demo_registry
import numpy as np
from demo_steps import TARGET, digits, has_emulator, tinylearn

from tinylearn.cli.output import print_table, progress
from tinylearn.device.client import Device
from tinylearn.device.host import open_device
from tinylearn.device.messages import LearnMode
from tinylearn.device.stream import Stream, StreamReport, collect, steps
from tinylearn.report.plots import save_curves
from tinylearn.report.size import model_code_bytes

NEW_CLASS = 9
WINDOW = 60


@dataclass(frozen=True)
class Field:
    """A stream with named phases: (first sample, name)."""

    stream: Stream
    phases: tuple[tuple[int, str], ...]


def faint_and_shifted(x: np.ndarray) -> np.ndarray:
    """Half the contrast, one pixel to the right, and a grey ground."""
    return (0.25 + 0.5 * np.roll(x, 1, axis=2)).astype(np.float32)


def split(seed: int) -> tuple[tuple[np.ndarray, np.ndarray], Field]:
    """Training data of the classes 0-8, and a field stream of samples not among it."""
    x, y = digits()
    random = np.random.default_rng(seed)
    known = random.permutation(np.flatnonzero(y != NEW_CLASS))
    new = random.permutation(np.flatnonzero(y == NEW_CLASS))
    training, rest = known[:700], known[700:]
    usual, moved, late = rest[:200], rest[200:550], np.concatenate([rest[550:], new])
    late = random.permutation(late)
    images = np.concatenate([x[usual], faint_and_shifted(x[moved]), faint_and_shifted(x[late])])
    labels = y[np.concatenate([usual, moved, late])]
    phases = ((0, "as trained"), (200, "faint, shifted"), (550, "and a new digit: 9"))
    return (x[training], y[training]), Field(Stream(images, labels=labels), phases)


def feed(device: Device, field: Field, mode: LearnMode, args: argparse.Namespace) -> StreamReport:
    """The whole stream, one sample at a time."""
    device.set_mode(mode)
    title = f"{mode.name.lower()} learning"
    return collect(progress(steps(device, field.stream), len(field.stream), title, args))


def phase_rows(
    field: Field, frozen: StreamReport, learning: StreamReport
) -> list[tuple[object, ...]]:
    """Accuracy by phase."""
    starts = [start for start, _ in field.phases]
    rows = []
    for (start, name), end in zip(field.phases, [*starts[1:], len(field.stream)], strict=True):
        shares = (f"{r.accuracy(start, end):.1%}" for r in (frozen, learning))
        rows.append((name, end - start, *shares))
    tail = (f"{r.accuracy(-200):.1%}" for r in (frozen, learning))
    return [*rows, ("the last 200 samples", 200, *tail)]


def cost_rows(
    project: Path, info: dict, device: Device, field: Field, learning: StreamReport
) -> list:
    """What the model costs on its device."""
    _, inference = device.measure_predict(field.stream.x[0])
    counts = sorted(learning.instructions)
    stack = max(learning.stack_bytes, inference.stack_bytes)
    rows = [
        ("instructions an inference", inference.instructions),
        ("instructions a learning step, median", counts[len(counts) // 2]),
        ("RAM, struct, B", info["ram_bytes"]),
        ("RAM, stack, B", stack),
        ("flash, weights, B", info["flash"]["weights"]),
    ]
    if (project / "build" / f"{info['name']}.o").exists():
        code = model_code_bytes(project, info["name"], info["flash"]["weights"])
        rows.append(("flash, code of the model, B", code))
    return rows


def prepare(out: Path, seed: int, emulator: bool) -> tuple[Path, Field]:
    """Trains, generates, builds."""
    (x, y), field = split(seed)
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "train.npz", x=x, y=y)
    np.savez(out / "field.npz", x=field.stream.x, y=field.stream.labels)
    model, project = out / "digits.keras", out / "digits_m4f"
    tinylearn("train", str(out / "train.npz"), "--model", "cnn:8,16", "--epochs", "40", "--rate", "0.003",
              "--seed", str(seed), "-o", str(model))  # fmt: skip
    choices = ["--learn", "all", "--rate", "0.01", "--max-classes", "10"]
    tinylearn("analyze", str(model), "--target", TARGET, *choices)
    tinylearn("generate", str(model), "--target", TARGET, *choices, "-o", str(project))
    if emulator:
        tinylearn("build", str(project))
    tinylearn(
        "validate", str(project), "--mode", "emulator" if emulator else "twin", "--samples", "8"
    )
    return project, field


def first_act(args: argparse.Namespace, out: Path, emulator: bool) -> None:
    """One device learns on."""
    where = "emulator" if emulator else "twin"
    if not emulator:
        print("No cross compiler or emulator here: the demo goes on with the host twin.")
    project, field = prepare(out, args.seed, emulator)
    info = json.loads(next(project.glob("*_info.json")).read_text())
    board = "an emulated Cortex-M4F" if emulator else "the host twin (instructions are not counted)"
    print(
        f"\n{len(field.stream)} samples, one at a time, on {board}: a frozen and a learning device",
        flush=True,
    )
    with open_device(where, project) as device:
        frozen = feed(device, field, LearnMode.NEVER, args)
    with open_device(where, project) as device:
        learning = feed(device, field, LearnMode.ALWAYS, args)
        costs = cost_rows(project, info, device, field, learning)
    tell(field, frozen, learning, costs)
    curves = {
        "frozen": list(frozen.curve(WINDOW)),
        "learning on the device": list(learning.curve(WINDOW)),
    }
    save_curves(out / "demo.png", curves, f"accuracy over the last {WINDOW} samples",
                "Digits on a Cortex-M4F: the stream changes, the device learns", dict(field.phases))  # fmt: skip
    print(f"\ncurve: {out / 'demo.png'}", flush=True)


def tell(field: Field, frozen: StreamReport, learning: StreamReport, costs: list) -> None:
    """What came of the first act."""
    print()
    print_table(("stream", ">samples", ">frozen", ">learning"), phase_rows(field, frozen, learning))
    if frozen.drifts:
        changed = field.phases[1][0]
        print(
            f"\nThe stream changed at sample {changed}; the frozen device reports a drift at {frozen.drifts[0]}."
        )
    print()
    print_table(("cost on the device", ">"), costs)


def main() -> None:
    """Runs the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", default="demo-out", help="folder for what is made")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.quiet = args.json = False
    started, out, emulator = time.monotonic(), Path(args.out), has_emulator()
    first_act(args, out, emulator)
    demo_fleet.play(demo_fleet.Act(out, args.seed, emulator))
    demo_registry.play(out)
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
