"""What a strategy asks of a device: RAM from the plan, instructions counted on an emulated board."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tasks.base import RANDOM, Setting, Task

from tinylearn import __version__
from tinylearn.device.client import Device
from tinylearn.device.host import open_device, read_info
from tinylearn.emit.generate import project_files
from tinylearn.emit.model import EmittedModel
from tinylearn.emit.write import write_project
from tinylearn.fleet.experiment import Samples
from tinylearn.fleet.strategies.base import Work
from tinylearn.passes.backward import Optimizer
from tinylearn.pipeline import Choices, compile_graph
from tinylearn.targets import find as find_target

TARGET = "cortex-m4f"


@dataclass(frozen=True)
class Costs:
    """Of a device. Instructions are None where no board can be emulated here; ``visit``: in one
    round, ``adaptation``: of a new device in a trial of the first kind."""

    ram_bytes: int
    step: int | None
    visit: int | None
    adaptation: int | None


def generate(task: Task, setting: Setting, parent: Path) -> Path:
    """The folder of the task's project that learns as the setting wants it; made where absent."""
    folder = parent / f"{task.name}-{setting.accumulate}"
    if not folder.exists():
        optimizer = Optimizer(accumulate=setting.accumulate)
        compiled = compile_graph(task.network(0), Choices("all", optimizer=optimizer))
        model = EmittedModel(task.name, compiled, task.name, "0" * 64, __version__)
        write_project(folder, project_files(model, find_target(TARGET), "makefile"))
    return folder


def costs_of(setting: Setting, folder: Path, step: int | None, adaptation: int | None) -> Costs:
    """All costs of a setting, whose devices run the project in ``folder``."""
    work = Work(0) if setting.strategy == RANDOM else setting.built().work(1)
    steps = work.local_samples + work.samples * work.passes
    visit = step * steps if step is not None else None
    return Costs(_ram(read_info(folder), setting, work), step, visit, adaptation)


def _ram(info: dict, setting: Setting, work: Work) -> int:
    """The model's struct; the samples of a visit where they are learnt more than once or as a
    batch; the version that a sparse update or the local part is taken back to."""
    values = int(np.prod(info["input"]["shape"]) + np.prod(info["output"]["shape"]))
    buffered = work.samples if work.passes > 1 or setting.accumulate > 1 else 0
    needs_version = work.share < 1 or work.local_samples > 0
    version = int(info["weights_bytes"]) if needs_version else 0
    return int(info["ram_bytes"]) + 4 * values * buffered + version


def step_instructions(folder: Path, samples: Samples, accumulate: int) -> int | None:
    """The mean of a learning step, with its share of a mini-batch's end. As many steps go before, as
    a last layer of zeros passes no gradient on at first."""
    if not all(shutil.which(p) for p in ("arm-none-eabi-gcc", "qemu-system-arm", "make")):
        return None
    count = max(16, accumulate)
    with open_device("emulator", folder) as device:
        costs = [_step(device, samples, i % len(samples)) for i in range(2 * count)]
    return round(sum(costs[count:]) / count)


def _step(device: Device, samples: Samples, i: int) -> int:
    x, y = samples.x[i], samples.y[i]
    if samples.y.dtype.kind in "iu":
        return device.learn(x, label=int(y), measure=True, raw=True).cost.instructions
    return device.learn(x, target=y, measure=True, raw=True).cost.instructions
