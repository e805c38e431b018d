"""The demo's second act: a fleet learns together, and a new device starts from what it has learnt.

Every device sees digits in its own way: turned, moved, pale, perhaps white on black. Nobody has
trained the network; the devices do that together and keep their samples. Then devices that the fleet
has never met learn from a few samples of their own, once from the fleet's weights and once from those
that the fleet began with.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from demo_processes import Background, broker, free_port
from demo_steps import TARGET, digits, tinylearn

from tinylearn.cli.output import print_table
from tinylearn.device import blob
from tinylearn.device.twin import TwinLibrary
from tinylearn.fleet.model import load_project

BOARD = "m4f"
SHOTS = (0, 5, 10, 20)
_PASSES, _RATE = 5, 0.05
_LEARNING = {"devices": 5, "samples": 32, "passes": 2, "rate": 0.04}
_SECONDS = 180


@dataclass(frozen=True)
class Act:
    """How large it is. ``newcomers``: devices that come afterwards, to measure on."""

    out: Path
    seed: int
    emulator: bool
    twins: int = 20
    rounds: int = 80
    newcomers: int = 10

    @property
    def devices(self) -> int:
        """Twins and the board."""
        return self.twins + self.emulator


# ---- how devices see digits ----


def seen_by(device: int, seed: int, x: np.ndarray) -> np.ndarray:
    """Digits [n, 8, 8, 1] as a device sees them, always in the same way."""
    from scipy import ndimage

    random = np.random.default_rng([seed, device])
    angle, contrast, inverted = (
        random.uniform(-50, 50),
        random.uniform(0.5, 1),
        random.random() < 0.5,
    )
    ground = random.uniform(0, 1 - contrast)
    x = ndimage.rotate(x, angle, axes=(1, 2), reshape=False, order=1)
    x = np.roll(x, random.integers(-1, 2, 2), axis=(1, 2))
    x = ground + contrast * x
    return (1 - x if inverted else x).astype(np.float32)


def deal(act: Act) -> tuple[np.ndarray, np.ndarray]:
    """Writes fleet.npz and m4f.npz; returns the digits that no device of the fleet has."""
    x, y = digits()
    order = np.random.default_rng(act.seed).permutation(len(x))
    known, unknown = order[:1260], order[1260:]
    parts = np.array_split(known, act.twins + 1)
    views = [seen_by(number, act.seed, x[part]) for number, part in enumerate(parts)]
    twins = slice(0, act.twins)
    np.savez(act.out / "fleet.npz", x=np.concatenate(views[twins]),
             y=y[np.concatenate(parts[twins])],
             device=np.repeat(np.arange(act.twins), [len(part) for part in parts[twins]]))  # fmt: skip
    np.savez(act.out / f"{BOARD}.npz", x=views[-1], y=y[parts[-1]])
    return x[unknown], y[unknown]


# ---- the model ----


def untrained(file: Path, seed: int) -> None:
    """A small CNN with random weights."""
    import keras

    from tinylearn.train.architecture import build, parse

    keras.utils.set_random_seed(seed)
    build(keras, parse("cnn:8,16"), (8, 8, 1), 10, []).save(file)


def prepare(act: Act) -> Path:
    """Generates the project, and builds the board's program."""
    file, project = act.out / "untrained.keras", act.out / "fleet_m4f"
    untrained(file, act.seed)
    tinylearn("generate", str(file), "--target", TARGET, "--learn", "all", "--fleet",
              "-o", str(project))  # fmt: skip
    if act.emulator:
        tinylearn("build", str(project), quiet=True)
    return project


# ---- the fleet ----


def enroll(act: Act) -> Path:
    """The broker's folder, with a user for each device."""
    folder = act.out / "fleet-broker"
    tinylearn("fleet", "broker-config", str(folder), "--port", str(free_port()), quiet=True)
    names = [f"d{number:02d}" for number in range(act.twins)]
    tinylearn("fleet", "enroll", "--broker-dir", str(folder), *names,
              *([BOARD] if act.emulator else []), quiet=True)  # fmt: skip
    return folder


def learn_together(act: Act, project: Path, wait: Callable[[Background, Path], None]) -> None:
    """Coordinator, twins and board, until all rounds are over."""
    folder, who = enroll(act), act.out / "fleet-broker" / "credentials"
    with contextlib.ExitStack() as running, broker(folder) as outside:

        def start(name: str, *words: str) -> Background:
            process = Background(act.out / f"{name}.log", *words)
            running.callback(process.kill)
            return process

        where = ["--credentials", str(who / "coordinator.json")] if outside else []
        coordinator = start(
            "serve", "fleet", "serve", "--model", str(project), "--strategy", "reptile",
            *[word for name, value in _LEARNING.items() for word in ("--set", f"{name}={value}")],
            "--rounds", str(act.rounds), "--least-devices", str(act.devices),
            "--store", str(act.out / "fleet.db"), "--run-dir", str(act.out / "fleet-run"),
            "--until-done", *(where or ["--broker-dir", str(folder)]),
        )  # fmt: skip
        devices = [start("twins", "fleet", "simulate", "--model", str(project), "--data",
                         str(act.out / "fleet.npz"), "--credentials-dir", str(who),
                         "--devices", str(act.twins))]  # fmt: skip
        if act.emulator:
            devices.append(start(
                "board", "fleet", "gateway", "--device", f"emulator:{project}", "--stream",
                str(act.out / f"{BOARD}.npz"), "--credentials", str(who / f"{BOARD}.json"),
            ))  # fmt: skip
        wait(coordinator, act.out / "fleet-run" / "curve.csv")
        print(f"\n{coordinator.ended()}", end="")
        for device in devices:
            print(device.ended(), end="")


def watch(coordinator: Background, curve: Path, rounds: int) -> None:
    """Until the coordinator is done, with a progress bar where somebody looks."""
    from rich.console import Console
    from rich.progress import Progress

    console, end = Console(stderr=True), time.monotonic() + _SECONDS
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("learning together", total=rounds)
        while not coordinator.is_over():
            if time.monotonic() > end:
                sys.exit(f"The fleet has not ended its rounds within {_SECONDS} s.")
            if curve.exists():
                bar.update(task, completed=curve.read_bytes().count(b"\n") - 1)
            time.sleep(0.1)


# ---- new devices ----


def accuracies(
    library: TwinLibrary, weights: bytes, support: tuple[np.ndarray, np.ndarray],
    query: tuple[np.ndarray, np.ndarray],
) -> list[float]:  # fmt: skip
    """Of one device on ``query``, after so many samples of ``support`` as SHOTS say."""
    found = []
    for shots in SHOTS:
        twin = library.open()
        twin.write_weights(weights)
        twin.learning_rate = _RATE
        for _ in range(_PASSES if shots else 0):
            twin.learn_label(support[0][:shots], support[1][:shots])
        found.append(float(np.mean(twin.predict(query[0]).argmax(axis=1) == query[1])))
        twin.close()
    return found


def newcomer(number: int, act: Act, x: np.ndarray, y: np.ndarray) -> Sequence[tuple]:
    """(support, query) of a device that the fleet has not met: two samples a digit to learn from."""
    order = np.random.default_rng([act.seed, 1, number]).permutation(len(x))
    few = np.stack([order[y[order] == label][:2] for label in range(10)], axis=1).ravel()
    rest = np.setdiff1d(order, few)
    x = seen_by(1000 + number, act.seed, x)
    return (x[few], y[few]), (x[rest], y[rest])


def compare(act: Act, project: Path, file: Path, x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """Mean accuracies by SHOTS: from the weights that the fleet began with, and from its last."""
    model, library = load_project(project)
    learnt = blob.unpack(file.read_bytes(), str(file)).weights
    devices = [newcomer(number, act, x, y) for number in range(act.newcomers)]
    return [
        list(np.mean([accuracies(library, weights, *device) for device in devices], axis=0))
        for weights in (model.initial, learnt)
    ]


# ---- the act ----


def play(act: Act) -> list[list[float]]:
    """Plays it; the accuracies of ``compare``."""
    for name in ("fleet-broker", "fleet-run"):
        shutil.rmtree(act.out / name, ignore_errors=True)
    for file in act.out.glob("fleet.db*"):
        file.unlink()
    with_board = f"{act.twins} devices" + (" and an emulated Cortex-M4F" if act.emulator else "")
    print(f"\nSecond act. {with_board} each see digits in their own way. Nobody has trained the\n"
          "network; they learn it together, and no sample leaves its device.", flush=True)  # fmt: skip
    if not act.emulator:
        print("No cross compiler or emulator here: the emulated board is left out.")
    unseen = deal(act)
    project = prepare(act)
    learn_together(act, project, lambda coordinator, curve: watch(coordinator, curve, act.rounds))
    file = act.out / "fleet.blob"
    tinylearn("fleet", "export", "--store", str(act.out / "fleet.db"), "-o", str(file))
    rows = compare(act, project, file, *unseen)
    print(f"\n{act.newcomers} new devices, which see digits in ways that the fleet has not met. Accuracy "
          f"after\nlearning from a few samples, {_PASSES} times over:\n")  # fmt: skip
    columns = ("start from", *(f">{shots} samples" for shots in SHOTS))
    names = ("random weights", "the fleet's weights")
    print_table(columns, [(name, *(f"{share:.1%}" for share in row))
                          for name, row in zip(names, rows, strict=True)])  # fmt: skip
    return rows
