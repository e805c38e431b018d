"""Small generated projects for tests of the fleet, and what their devices learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.graphs import mlp
from support.harness import emitted
from tinylearn.emit.generate import project_files
from tinylearn.emit.write import write_project
from tinylearn.pipeline import Choices
from tinylearn.targets import find

INPUTS, CLASSES = 5, 4


def write(folder: Path, target: str = "cortex-m4f", sizes: tuple[int, ...] = (INPUTS, 6, CLASSES),
          guard: bool = True) -> Path:  # fmt: skip
    """A project of a small classifier that learns whole and takes part in a fleet."""
    model = emitted(mlp(sizes=sizes), Choices(learn="all", guard=guard))
    write_project(folder, project_files(model, find(target), "makefile", fleet=True))
    return folder


def source(device: str, run: int, round_: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labelled samples of one task; the same for the same arguments."""
    number = int.from_bytes(device.encode()[-4:], "little")
    rng = np.random.default_rng([run, round_, number])
    labels = rng.integers(0, CLASSES, count)
    x = rng.normal(size=(count, INPUTS)) * 0.3
    x[np.arange(count), labels] += 1.0
    return x.astype("f4"), labels
